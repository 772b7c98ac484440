# Sourced by the scripts here.

# use_host_builder CLUSTER FILE: let buildah see the images of the host cluster's builder, with settings in FILE.
use_host_builder() {
  # The cluster's own scripts take a shell function of theirs for the program, and do not install it.
  type -P buildah >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends buildah; }
  # shellcheck source=/dev/null
  cluster_cache=$(. "$1/lib.sh" && echo "$CLUSTER_CACHE")
  printf '[storage]\ndriver = "overlay"\nrunroot = "/run/seed-cluster-buildah"\ngraphroot = "%s/buildah/storage"\n' \
    "$cluster_cache" >"$2"
  export CONTAINERS_STORAGE_CONF=$2
}
