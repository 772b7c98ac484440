# Sourced by the scripts beside it: which tool builds, and what the image is made from.
die() { printf '%s\n' "error: $*" >&2; exit 1; }

builder() {
  local tool
  if [[ -n ${IMAGE_BUILDER:-} ]]; then
    command -v "$IMAGE_BUILDER" >/dev/null || die "no program $IMAGE_BUILDER: set IMAGE_BUILDER to docker, podman or buildah"
    echo "$IMAGE_BUILDER"
    return
  fi
  for tool in docker podman buildah; do
    # A docker without its daemon is not there.
    "$tool" info >/dev/null 2>&1 && { echo "$tool"; return; }
  done
  die "docker, podman or buildah is needed: install one, or set IMAGE_BUILD to a command that builds"
}

# The git revision, with -dirty where files differ from it; "unknown" where git does not track this code, as in a copy
# of the folder that lies in another repository.
revision() {
  git ls-files --error-unmatch containers/lib.sh >/dev/null 2>&1 &&
    git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null || echo unknown
}

# Where the code is published, without a user's name or token; a path of this machine is nobody's business.
source_address() {
  local found
  found=$(git config --get remote.origin.url 2>/dev/null | sed -nE 's#^(https?://)([^/@]*@)?#\1#p')
  echo "${found:-unknown}"
}
