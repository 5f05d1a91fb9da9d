#!/bin/bash
# Fetch Azurite, an Azure Blob server for tests, with npm into a folder of its own.
#
#   get_azurite.sh [FOLDER]
#
# FOLDER is by default $SHARDVAULT_SERVERS/azurite, else .cache/servers/azurite of the project.
# It appears by a rename only: what exists is whole.
set -euo pipefail

readonly VERSION=3.35.0  # the last one that runs on the Node of Debian 12

project=$(readlink -f "$(dirname "$0")/../..")
folder=$(readlink -m "${1:-${SHARDVAULT_SERVERS:-$project/.cache/servers}/azurite}")
[ ! -d "$folder" ] || exit 0
mkdir -p "$(dirname "$folder")"
part=$(mktemp -d "$folder.partial.XXXXXX")
trap 'rm -rf "$part"' EXIT
npm install --prefix "$part" --no-audit --no-fund --ignore-scripts --loglevel=error \
  "azurite@$VERSION" > /dev/null || {
  echo "get_azurite.sh: npm could not fetch azurite $VERSION" >&2
  echo "  is the package registry reachable? see: npm config get registry" >&2
  exit 1
}
mv -T "$part" "$folder"
