#!/usr/bin/env bash
# Builds the image longshore/busybox:latest on the daemon from Debian's busybox-static, so that no
# registry is needed: one static program, with a link for each of its applets.
set -euo pipefail

image=longshore/busybox:latest
if docker image inspect "$image" >/dev/null 2>&1; then
    exit 0
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

busybox=
for candidate in /bin/busybox /usr/bin/busybox; do
    if [ -x "$candidate" ] && ! ldd "$candidate" >/dev/null 2>&1; then
        busybox=$candidate
    fi
done
if [ -z "$busybox" ]; then
    # Unpacked rather than installed, so that nothing on the machine changes.
    (cd "$root" && { apt-get download busybox-static || { apt-get update && apt-get download busybox-static; }; } >&2)
    mkdir "$root/unpacked"
    dpkg-deb -x "$root"/busybox-static_*.deb "$root/unpacked"
    busybox=$(find "$root/unpacked" -name busybox -type f -perm -u+x | head -n 1)
fi

tree=$root/tree
mkdir -p "$tree"/{bin,etc,tmp,var,dev,proc,sys,root}
chmod 1777 "$tree/tmp"
install -m 755 "$busybox" "$tree/bin/busybox"
for applet in $("$tree/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$tree/bin/$applet"
done
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$tree/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$tree/etc/group"

tar -C "$tree" --owner=0 --group=0 --numeric-owner -c . \
    | docker import --change 'ENV PATH=/bin' --change 'CMD ["sh"]' - "$image" >/dev/null
echo "conformance: built $image" >&2
