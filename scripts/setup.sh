#!/bin/bash
# Make this checkout ready to use: system packages, private environment, servers for tests.
#
#   setup.sh packages run|bench   install what is missing from Debian or Ubuntu
#   setup.sh venv                 make .venv with shardvault, its tools and the compiled kernel
#   setup.sh servers              fetch the foreign servers that tests start
#
# A need is looked for itself (a program, a header), so what came from elsewhere counts too.
# Only what is missing is installed, by its Debian name, after saying so; with sudo where not
# root. Nothing is removed and no service is started: the core packages hold programs only.
# Every word may be repeated; what is there already costs no time.
#
#   PYTHON=/path/to/python3       use this Python (3.11 or newer) for .venv
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/libexec

readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
readonly DEBIAN_MIRROR=http://deb.debian.org/debian  # only where apt itself has no Debian
missing=()

say() { echo "setup: $*"; }

fail() {
  echo "setup: $1" >&2
  echo "  $2" >&2
  exit 1
}

has_program() { command -v "$1" > /dev/null; }

# --- Python ---------------------------------------------------------------------------------

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; }

# The system's Python comes first: the packages named below fit it.
find_python() {
  local name
  for name in ${PYTHON:-/usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11}; do
    if has_program "$name" && is_new_enough "$name"; then echo "$name"; return; fi
  done
  return 1
}

has_venv() {
  local python
  python=$(find_python) && "$python" -c 'import ensurepip, venv' 2> /dev/null
}

has_python_headers() {
  local python
  python=$(find_python) && "$python" -c 'if True:
    import os, sys, sysconfig
    sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'
}

has_c_headers() { has_program gcc && gcc -E -include stdlib.h -x c /dev/null > /dev/null 2>&1; }

# --- packages -------------------------------------------------------------------------------

need() {  # PACKAGE WHY PROBE...
  local package=$1 why=$2
  shift 2
  if "$@"; then return; fi
  [ ${#missing[@]} -gt 0 ] || say "these packages are missing and will be installed:"
  echo "  $package: $why"
  missing+=("$package")
}

need_for_run() {
  need python3-venv "makes the private environment .venv" has_venv
  need python3-dev "headers to compile the kernel with" has_python_headers
  need gcc "compiles the kernel" has_program gcc
  need libc6-dev "headers to compile the kernel with" has_c_headers
  need mariadb-server-core "the private servers of demo and tests" has_program mariadbd
  need mariadb-client-core "to look into these servers by hand" has_program mariadb
}

need_for_bench() {
  need mydumper "a peer to measure against" has_program mydumper
  need zstd "compresses the output of mariadb-dump, a peer" has_program zstd
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    DEBIAN_FRONTEND=noninteractive "$@"
  elif has_program sudo; then
    say "as root: sudo $*"
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    fail "this needs root, and there is no sudo" "run as root: $*"
  fi
}

update_index() {
  as_root apt-get -qq update || fail "apt's index could not be fetched" "run apt-get update to see why"
}

are_known() {
  local package
  for package; do
    [ -n "$(apt-cache --quiet=0 madison "$package" 2> /dev/null)" ] || return 1
  done
}

# --no-remove: a MySQL of this machine must never give way to the MariaDB of a demo.
install_missing() {
  [ ${#missing[@]} -gt 0 ] || return 0
  has_program apt-get || fail "there is no apt-get" "install by hand: ${missing[*]}"
  are_known "${missing[@]}" || update_index
  local command=(apt-get install -y -q --no-install-recommends --no-remove "${missing[@]}")
  as_root "${command[@]}" || fail "packages could not be installed" \
    "try as root: apt-get update && ${command[*]}"
  missing=()
}

install_packages() {
  case $1 in
    run) need_for_run ;;
    bench) need_for_bench ;;
    *) fail "no group of packages called '$1'" "use run or bench" ;;
  esac
  install_missing
  find_python > /dev/null || fail "no Python 3.11 or newer" \
    "this machine's python3 is too old; name a newer one: make setup PYTHON=/path/to/python3"
}

# --- private environment --------------------------------------------------------------------

make_venv() {
  if [ -x .venv/bin/python ] && is_new_enough .venv/bin/python &&
    .venv/bin/python -m pip --version > /dev/null 2>&1; then
    return
  fi
  local python
  python=$(find_python)
  say "making .venv with $("$python" --version) ($python)"
  "$python" -m venv --clear .venv
}

install_project() {
  say "installing shardvault and its tools into .venv, compiling the kernel"
  export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
  # An older kernel must not be taken for the one that is compiled now.
  rm -f src/shardvault/kernel/_native*.so
  .venv/bin/python -m pip install -qq --editable '.[dev]' ||
    fail "pip could not install shardvault" "is the package index reachable? run: make setup"
}

report_kernel() {
  if .venv/bin/python -c 'from shardvault.kernel import _native' 2> /dev/null; then
    say "the kernel is compiled; .venv/bin/shardvault is ready"
    return
  fi
  cat >&2 <<'TEXT'
setup: ********************************************************************
setup: *  THE KERNEL COULD NOT BE COMPILED. The pure one serves in its    *
setup: *  place: everything works, but many times slower.                 *
setup: ********************************************************************
  see why: .venv/bin/python -m pip install -v -e .
TEXT
}

# --- servers for tests ----------------------------------------------------------------------

has_index() {
  [ -n "$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2> /dev/null)" ]
}

prepare_fetch() {
  has_program apt-get || fail "there is no apt-get to fetch servers with" \
    "unpack them elsewhere and name their folder: SHARDVAULT_SERVERS=/path"
  need debian-archive-keyring "to check the servers' packages with" test -r "$KEYRING"
  install_missing
  has_index || update_index
  if ! grep -qx 'ID=debian' /etc/os-release; then
    export SHARDVAULT_DEBIAN_MIRROR=${SHARDVAULT_DEBIAN_MIRROR:-$DEBIAN_MIRROR}
  fi
}

fetch_servers() {
  local name is_ready=
  for name in mysql97 mariadb118 mariadb105 ceph openssh; do
    [ ! -x "${SHARDVAULT_SERVERS:-.cache/servers}/$name/run.sh" ] || continue
    [ -n "$is_ready" ] || prepare_fetch
    is_ready=1
    say "fetching $name for tests, into a folder of its own"
    tests/support/get_server.sh "$name"
  done
}

fetch_azurite() {
  [ ! -d "${SHARDVAULT_SERVERS:-.cache/servers}/azurite" ] || return 0
  need nodejs "runs Azurite, the Azure server of the tests" has_program node
  need npm "fetches Azurite" has_program npm
  install_missing
  say "fetching azurite for tests, into a folder of its own"
  tests/support/get_azurite.sh
}

case ${1:-} in
  packages) install_packages "${2:-}" ;;
  venv) make_venv && install_project && report_kernel ;;
  servers) fetch_servers; fetch_azurite ;;
  *) fail "no step called '${1:-}'" "use packages, venv or servers; see the head of $0" ;;
esac
