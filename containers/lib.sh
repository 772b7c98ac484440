# Functions of the scripts in this folder: the tool that builds, and the labels of the image.
die() { printf '%s\n' "error: $*" >&2; exit 1; }

builder() {
  local tool
  if [[ -n ${IMAGE_BUILDER:-} ]]; then
    command -v "$IMAGE_BUILDER" >/dev/null || die "no program $IMAGE_BUILDER: set IMAGE_BUILDER to docker, podman or buildah"
    echo "$IMAGE_BUILDER"
    return
  fi
  for tool in docker podman buildah; do
    # A docker command without its daemon is of no use.
    "$tool" info >/dev/null 2>&1 && { echo "$tool"; return; }
  done
  die "docker, podman or buildah is needed: install one, or set IMAGE_BUILD to another build command"
}

# Print the git revision, with -dirty if files were changed. It is "unknown" if git does not track this code, as in a copy
# of the folder inside another repository.
revision() {
  git ls-files --error-unmatch containers/lib.sh >/dev/null 2>&1 &&
    git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null || echo unknown
}

# Print the URL of the repository without a user name or token. A path on this machine must not get into the image.
source_address() {
  local found
  found=$(git config --get remote.origin.url 2>/dev/null | sed -nE 's#^(https?://)([^/@]*@)?#\1#p')
  echo "${found:-unknown}"
}
