#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# In a guest whose process 1 is systemd: the package's life from installation to purge. The container is made of namespaces
# alone.
export NSWARDEN=/usr/bin/nswarden
source "$(dirname "$(realpath "$0")")/../e2e/lib.sh"
plan 27

install_package() { DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i "$1"; }
active() { systemctl is-active --quiet nswarden; }
pid() { systemctl show -P MainPID nswarden; }
journal() { journalctl -q --no-pager -o cat -u nswarden; }
in_container() { unshare --mount --pid --fork --mount-proc "$@" 2>&1; }
refused() { in_container cat /etc/shadow | grep -q 'Operation not permitted'; }
policy=/etc/nswarden/policies.d/test.yaml

wait_for 120 eval 'systemctl is-system-running | grep -qE "running|degraded"' || true
check_equal "systemd is process 1" systemd "$(cat /proc/1/comm)"
check "it installs" install_package /share/this.deb
check "... and is started: ready means that it watches" eval 'active && "$NSWARDEN" ps'
check "... and enabled" systemctl is-enabled nswarden
check "... with all its policies" eval 'journal | grep -E "[0-9]+ policies: "'
check_equal "it sees the host as process 1 does: no mount namespace of its own" \
  "$(readlink /proc/1/ns/mnt)" "$(readlink "/proc/$(pid)/ns/mnt")"
check "it can refuse, for all that the unit takes from it" eval '"$NSWARDEN" status | grep "enforcement on"'
check "the unit is right" systemd-analyze verify --man=no nswarden.service
check "the unit leaves little open" systemd-analyze security --offline=true --threshold=50 nswarden.service

printf 'nswarden: 1\npolicy: test\nmode: enforce\ndeny:\n  read: [/etc/shadow]\n' >"$policy"
check "systemctl reload takes a new policy" systemctl reload nswarden
check "... which refuses in a container" wait_for 60 refused
check "... and not on the host" cat /etc/shadow
check "the alert is in the journal" wait_for 30 eval 'journal | grep -q test/read//etc/shadow'
check "the refusal is in the history" wait_for 30 eval '"$NSWARDEN" history --verdict denied | grep -q /etc/shadow'
sed -i 's/deny:/dny:/' "$policy"
check "a reload with a mistake fails" eval '! systemctl reload nswarden'
check "... says where" eval 'journal | grep -q "test.yaml:4:"'
check "... and the old policies stay in force" eval 'active && refused'
sed -i 's/dny:/deny:/' "$policy"
check "the demo leaves a running engine alone, and says so" eval \
  'out=$("$NSWARDEN" demo 2>&1) && exit 1; grep -q "an engine watches this host already" <<<"$out" && active'

before=$(pid)
kill -9 "$before"
check "it comes back when it is killed" wait_for 90 eval 'active && [[ $(pid) != '"$before"' ]] && "$NSWARDEN" ps'

echo '# mine' >>/etc/nswarden/nswarden.yaml
before=$(pid)
check "it is upgraded" install_package /share/next.deb
check "... and runs anew" eval 'active && [[ $(pid) != '"$before"' ]] && "$NSWARDEN" ps'
check "... under the configuration as it was" eval 'grep -q mine /etc/nswarden/nswarden.yaml && [[ -f $policy ]]'
check "... and goes on refusing" wait_for 60 refused

check "it is removed" dpkg -r nswarden
check "... stops, and refuses nothing any more" eval '! active && [[ ! -e /usr/bin/nswarden ]] && ! refused'
check "... and leaves the history and the configuration" test -s /var/lib/nswarden/history.db -a -s /etc/nswarden/nswarden.yaml
rm "$policy"
check "it is purged, and nothing is left" eval 'dpkg -P nswarden && ! ls -d /var/lib/nswarden /etc/nswarden /run/nswarden* /sys/fs/bpf/nswarden'
finish
