#!/bin/sh
# Prints the files named behind FOLDER as rows of a C table, sorted by name:
#   embed.sh policies policies/a.yaml policies/b/c.txt
#   { "a.yaml", (const unsigned char[]){ 0x62, ..., 0 }, 1234 },
set -eu
folder=${1%/}
shift
for file; do
	case ${file#"$folder"/} in
	/* | *[!A-Za-z0-9._/-]*)
		echo "embed.sh: $file: not in $folder, or a name that is more than A-Z a-z 0-9 . _ - /" >&2
		exit 1
		;;
	esac
	[ -r "$file" ] || { echo "embed.sh: $file cannot be read" >&2; exit 1; }
done
printf '%s\n' "$@" | LC_ALL=C sort | while read -r file; do
	printf '{ "%s", (const unsigned char[]){\n' "${file#"$folder"/}"
	od -An -v -tx1 "$file" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
	printf '0 }, %d },\n' "$(wc -c <"$file")"
done
