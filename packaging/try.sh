#!/bin/sh
# Installs the packages into a clean Debian, holds an interview with them, opens the window, upgrades, and removes everything again.
# Run by `cargo xtask package --try`, as root and in a mount namespace of its own: what is mounted here is gone with it.
#   try.sh SYSTEM PACKAGES CHECKOUT QA
set -eu
system=$1 packages=$2 checkout=$3 qa=$4
say() { echo "  $*" >&2; }
inside() { chroot "$system" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
fail() { echo "package --try: $*" >&2; exit 1; }

for folder in dev proc sys; do mount --rbind "/$folder" "$system/$folder"; done
mkdir -p "$system$checkout" "$system/packages" "$system/tmp/.X11-unix"
mount --bind "$checkout" "$system$checkout"
cp "$packages"/*.deb "$system/packages"
cp /etc/resolv.conf "$system/etc/resolv.conf"

say "installing"
inside apt-get -qq update
inside sh -c 'apt-get -qq -y --no-install-recommends install desktop-file-utils xvfb /packages/*.deb' >"$packages/install.log" 2>&1 ||
  fail "not installed; see $packages/install.log"
inside adjourn-cli --version
inside adjourn-backend --version
grep -q '^x-scheme-handler/adjourn=adjourn.desktop' "$system/usr/share/applications/mimeinfo.cache" ||
  fail "links with adjourn:// open nothing"
inside desktop-file-validate /usr/share/applications/adjourn.desktop
[ "$(stat -c %a "$system/etc/adjourn/backend.env")" = 600 ] || fail "others can read the backend's secrets"

say "an interview, with client and backend as they are installed"
# Beside the testbed's program, where it looks for the client.
bed=$checkout/target/package-bed
rm -rf "$bed" && mkdir -p "$bed"
cp "$qa" "$bed/adjourn-qa"
for name in adjourn-cli adjourn-backend; do
  # The library is the package's own.
  printf '#!/bin/sh\nunset ADJOURN_LIVEKIT_LIBRARY\nexec chroot %s /usr/bin/%s "$@"\n' "$system" "$name" >"$bed/$name"
  chmod +x "$bed/$name"
done
mkdir "$bed/demo"
"$bed/adjourn-qa" demo --folder "$bed/demo" --backend "$bed/adjourn-backend" >"$bed/demo.json"
cat "$bed/demo.json"
grep -q '"outcome":"finished".*"delivery":"delivered"' "$bed/demo.json" || fail "the interview was not finished, or not received"

say "the window"
inside sh -eu -c '
  Xvfb :77 -screen 0 960x720x24 -nolisten tcp 2>/dev/null & screen=$!
  mkdir -p /tmp/home && export HOME=/tmp/home DISPLAY=:77 LIBGL_ALWAYS_SOFTWARE=1 WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS=1
  adjourn --data /tmp/home/data 2>/tmp/home/log & window=$!
  tries=0
  until grep -q "the page listens" /tmp/home/log; do
    tries=$((tries + 1)); [ $tries -lt 300 ] || { cat /tmp/home/log; exit 1; }
    sleep 0.1
  done
  kill -TERM $window; wait $window; kill $screen' || fail "the window does not open"

say "upgrading"
for old in "$packages"/*.deb; do
  again=$(mktemp -d)
  dpkg-deb -R "$old" "$again/tree"
  sed -i 's/^Version: \(.*\)$/Version: \1+1/' "$again/tree/DEBIAN/control"
  dpkg-deb -Znone --root-owner-group -b "$again/tree" "$system/packages/$(basename "$old" .deb)+1.deb" >/dev/null
  rm -r "$again"
done
echo '# an administrator was here' >>"$system/etc/adjourn/backend.env"
inside sh -c 'apt-get -qq -y install /packages/*+1.deb' >"$packages/upgrade.log" 2>&1 || fail "not upgraded; see $packages/upgrade.log"
inside dpkg-query -W -f '${Version}\n' adjourn | grep -q '+1$' || fail "the version is the old one"
grep -q 'administrator was here' "$system/etc/adjourn/backend.env" || fail "the settings were overwritten"

say "removing"
inside apt-get -qq -y purge adjourn adjourn-cli adjourn-backend >"$packages/remove.log" 2>&1 || fail "not removed; see $packages/remove.log"
left=$(find "$system/usr" "$system/etc" "$system/var/lib" -xdev -name '*adjourn*' -not -path '*/dpkg/*' -not -path '*/apt/*' -not -path '*/ucf/*')
[ -z "$left" ] || fail "left behind: $left"
say "nothing is left"
