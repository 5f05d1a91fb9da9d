#!/bin/bash
# Unpack a server of another Debian suite into a folder of its own.
#
#   get_server.sh mysql97|mariadb118|mariadb105|ceph|openssh [FOLDER]
#   FOLDER/run.sh mysqld|mariadbd|radosgw|sshd|... ARGS
#
# Nothing is installed on the host: no root, no container. Each server comes with its
# own loader and libc. FOLDER is by default $SHARDVAULT_SERVERS/NAME, else .cache/servers/NAME
# of the project. The packages stay in FOLDER.debs with their sha256, so that a server can be
# unpacked again after its suite has moved on. FOLDER and FOLDER.debs appear by a rename only:
# what exists is whole.
set -euo pipefail

readonly TRIES=3
readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
  echo "get_server.sh: $1" >&2
  echo "  $2" >&2
  exit 1
}

case ${1:-} in
  mysql97)
    suite=sid wanted=(mysql-server-core mysql-client-core) proof=(mysqld --no-defaults --version) ;;
  mariadb118)
    suite=trixie wanted=(mariadb-server-core mariadb-client-core)
    proof=(mariadbd --no-defaults --version) ;;
  mariadb105)
    suite=bullseye wanted=(mariadb-server-core-10.5 mariadb-client-core-10.5)
    proof=(mariadbd --no-defaults --version) ;;
  ceph) suite=bookworm wanted=(radosgw ceph-mon ceph-osd) proof=(radosgw --version) ;;
  openssh) suite=bookworm wanted=(openssh-server) proof=(ssh -V) ;;
  *) echo "usage: get_server.sh mysql97|mariadb118|mariadb105|ceph|openssh [FOLDER]" >&2; exit 2 ;;
esac
name=$1
project=$(readlink -f "$(dirname "$0")/../..")
folder=$(readlink -m "${2:-${SHARDVAULT_SERVERS:-$project/.cache/servers}/$name}")
debs=$folder.debs

# The mirror that apt is configured with, asked for at run time and never written down.
find_mirror() {
  [ -z "${SHARDVAULT_DEBIAN_MIRROR:-}" ] || { echo "$SHARDVAULT_DEBIAN_MIRROR"; return; }
  . /etc/os-release
  apt-get indextargets --format '$(LABEL) $(CODENAME) $(COMPONENT) $(REPO_URI)' \
    'Created-By: Packages' |
    awk -v c="${VERSION_CODENAME:-}" '$1 == "Debian" && $2 == c && $3 == "main" && !m { m = $4 }
                                      END { print m }'
}

retry() {
  local try
  for try in $(seq "$TRIES"); do
    if "$@"; then return; fi
    echo "get_server.sh: try $try of $TRIES failed: $1 ${*: -1}" >&2
    sleep "$try"
  done
  return 1
}

# The whole closure is taken, libc included, because dpkg's status is empty; perl only serves scripts.
list_packages() {
  "${apt[@]}" -y --print-uris install "${wanted[@]}" |
    awk 'NF >= 3 { print $2 }' | sed 's/_.*//' |
    { grep -vE '^(perl|libperl|libgdbm|libdb5|debconf)' || true; }
}

download_all() { (cd "$part" && "${apt[@]}" download "$@"); }

fetch_packages() {
  local mirror packages
  mirror=$(find_mirror)
  [ -n "$mirror" ] || fail "apt is configured with no Debian mirror" \
    "run 'apt-get update' once, or set SHARDVAULT_DEBIAN_MIRROR to the address of one"
  [ -r "$KEYRING" ] || fail "no $KEYRING to check the packages with" \
    "apt-get install debian-archive-keyring"
  part=$debs.partial.$$
  state=$part/apt
  mkdir -p "$state"/{lists/partial,archives/partial,state,parts}
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
    "$mirror" "$suite" "$KEYRING" > "$state/s.sources"
  apt=(apt-get -qq
    -o Dir::Etc::SourceList="$state/s.sources" -o Dir::Etc::SourceParts="$state/parts"
    -o Dir::Etc::PreferencesParts="$state/parts" -o Dir::State="$state/state"
    -o Dir::State::Lists="$state/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$state"
    -o Debug::NoLocking=1 -o APT::Install-Recommends=0 -o APT::Sandbox::User="$(id -un)"
    -o APT::Update::Post-Invoke::=true -o Acquire::http::Timeout=30 -o Acquire::Retries=2)
  retry "${apt[@]}" update || fail "the index of $suite could not be fetched" "try again later"
  packages=$(list_packages)
  [ -n "$packages" ] || fail "$suite offers no ${wanted[*]}" "try another mirror"
  # shellcheck disable=SC2086  # package names are words
  retry download_all $packages || fail "packages of $suite could not be fetched" "try again later"
  rm -rf "$state"
  (cd "$part" && sha256sum -- *.deb > SHA256SUMS)
  mv -T "$part" "$debs"
}

write_runner() {
  cat > "$1" <<'RUN'
#!/bin/bash
# run.sh PROGRAM ARGS...: run a program of this folder with this folder's loader and libraries.
root=$(dirname "$(readlink -f "$0")")
program=$1
shift
for binary in "$root/usr/sbin/$program" "$root/usr/bin/$program"; do
  [ -x "$binary" ] && break
done
# Older suites keep the loader and some libraries outside /usr, and the link to it is absolute.
for loader in "$root"{/usr,}/lib64/ld-linux-*.so.* "$root"{/usr,}/lib/ld-linux-*.so.* \
  "$root"/lib/*-linux-gnu/ld-[0-9]*.so; do
  [ -x "$loader" ] && break
done
# Ceph keeps some libraries in a folder of its own.
libraries=$(echo "$root"/{usr/,}lib/*-linux-gnu "$root"/usr/lib/*-linux-gnu/ceph | tr ' ' ':')
exec "$loader" --library-path "$libraries" "$binary" "$@"
RUN
  chmod 755 "$1"
}

unpack_packages() {
  (cd "$debs" && sha256sum --quiet --check SHA256SUMS) ||
    fail "packages in $debs are damaged" "remove that folder and run again"
  part=$folder.partial.$$
  mkdir -p "$part"
  local deb
  for deb in "$debs"/*.deb; do dpkg -x "$deb" "$part"; done
  rm -rf "$part"/usr/share/{doc,man,locale,lintian,gdb}
  write_runner "$part/run.sh"
  mv -T "$part" "$folder"
}

part=
trap '[ -z "$part" ] || rm -rf "$part"' EXIT
mkdir -p "$(dirname "$folder")"
exec 9> "$folder.lock"
flock --wait 600 9 || fail "another fetch of $name does not end" "see who holds $folder.lock"
if [ ! -x "$folder/run.sh" ]; then
  [ -d "$debs" ] || fetch_packages
  unpack_packages
fi
"$folder/run.sh" "${proof[@]}"
