#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# In a guest whose process 1 is systemd: the package's life from installation to purge, and again. The container is made of
# namespaces alone.
export NSWARDEN=/usr/bin/nswarden
source "$(dirname "$(realpath "$0")")/../e2e/lib.sh"
plan 39

install_package() { DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i "$1"; }
active() { systemctl is-active --quiet nswarden; }
pid() { systemctl show -P MainPID nswarden; }
watching() { active && "$NSWARDEN" ps; }
# There is a daemon, another one than PID was.
another() { watching && [[ $(pid) != "$1" ]]; }
# What the running daemon's program ends with: the successor's bears a mark.
is_successor() { [[ $(tail -c 9 "/proc/$(pid)/exe" | tr -d '\0') == successor ]]; }
# Whole before it is searched: a grep that leaves early would end the writer by SIGPIPE.
journal_says() {
  local said
  said=$(journalctl -q --no-pager -o cat -u nswarden)
  grep -E -- "$1" <<<"$said" || { tail -n 20 <<<"$said"; return 1; }
}
refusals() { "$NSWARDEN" history --output json --verdict denied --path /etc/shadow; }
in_container() { unshare --mount --pid --fork --mount-proc "$@" 2>&1; }
# A new container each time: where the machine is slow its first program may be over before it is bound (`unbound: open`).
refused() {
  local said
  said=$(in_container cat /etc/shadow) || true
  [[ $said == *'Operation not permitted'* ]] || { echo "$said"; return 1; }
}
allowed() { in_container cat /etc/shadow; }
policy=/etc/nswarden/policies.d/test.yaml

wait_for 120 eval 'systemctl is-system-running | grep -E "running|degraded"' || true
check_equal "systemd is process 1" systemd "$(cat /proc/1/comm)"
check "it installs" install_package /share/this.deb
check "... and is started: ready means that it watches" watching
check "... and enabled" systemctl is-enabled nswarden
check "... with all its policies" journal_says '[0-9]+ policies: '
check_equal "it sees the host as process 1 does: no mount namespace of its own" \
  "$(readlink /proc/1/ns/mnt)" "$(readlink "/proc/$(pid)/ns/mnt")"
check "it can refuse, for all that the unit takes from it" journal_says 'enforcement: on'
check "... and its thread goes before what waits for it" eval '! journal_says "no priority"'
check "the unit is right" systemd-analyze verify --man=no nswarden.service
check "the unit leaves little open" systemd-analyze security --offline=true --threshold=50 nswarden.service

first=$(pid)
printf 'nswarden: 1\npolicy: test\nmode: enforce\ndeny:\n  read: [/etc/shadow]\n' >"$policy"
check "systemctl reload takes a new policy" systemctl reload nswarden
check "... which refuses in a container" wait_for 60 refused
check "... and not on the host" cat /etc/shadow
check "the alert is in the journal" wait_for 30 journal_says test/read//etc/shadow
check "the refusal is in the history" wait_for 30 eval '[[ $(refusals) ]]'
sed -i 's/deny:/dny:/' "$policy"
check "a reload with a mistake fails" eval '! systemctl reload nswarden'
check "... says where" journal_says 'test\.yaml:4:'
check "... and the old policies stay in force" wait_for 60 eval 'watching && refused'
sed -i 's/dny:/deny:/' "$policy"
check_equal "all by the same process" "$first" "$(pid)"
check "the demo leaves a running engine alone, and says so" eval \
  'out=$("$NSWARDEN" demo 2>&1) && exit 1; grep "an engine watches this host already" <<<"$out" && active'

check "it is restarted by systemctl" systemctl restart nswarden
check "... and runs anew" another "$first"
check "... and goes on refusing" wait_for 60 refused

before=$(pid) past=$(refusals | head -n 1)
kill -9 "$before"
# The socket first, which costs nothing to look for: the guest is slow enough without us, and takes its time to take off the probes
# of a process that was killed.
check "systemd starts it again when it is killed" wait_for 240 eval '[[ -S /run/nswarden/control.sock ]] && another "$before"'
check "... with the history as it was" eval '[[ -n $past && $(refusals) == "$past"* ]]'
check "... and it goes on refusing" wait_for 60 refused

sed -i 's/^output: text/output: json/' /etc/nswarden/nswarden.yaml
before=$(pid)
check "it is upgraded while it runs" install_package /share/next.deb
check "... to a higher version" eval '[[ $(dpkg-query -W -f "\${Version}" nswarden) == "$(dpkg-deb -f /share/next.deb Version)" ]]'
check "... and the daemon is the new one" eval 'another "$before" && is_successor'
check "... under the configuration as its user wrote it" eval 'grep "^output: json" /etc/nswarden/nswarden.yaml && [[ -f $policy ]]'
check "... and with the history as it was" eval '[[ $(refusals) == "$past"* ]]'
check "... and goes on refusing" wait_for 60 refused
check "... in the way that the configuration asks for" wait_for 30 journal_says '^\{.*"rule":"test/read//etc/shadow"'

check "it is removed" dpkg -r nswarden
check "... stops, and refuses nothing any more" eval '! active && [[ ! -e /usr/bin/nswarden ]] && ! pgrep -x nswarden && allowed'
check "... and leaves the history and the configuration" eval \
  '[[ -s /var/lib/nswarden/history.db && -s $policy ]] && grep "^output: json" /etc/nswarden/nswarden.yaml'
check "it is purged" dpkg -P nswarden
check "... and nothing is left" eval '! ls -d /var/lib/nswarden /etc/nswarden /run/nswarden* /sys/fs/bpf/nswarden 2>/dev/null'
check "it is installed again, as the first time" eval \
  'install_package /share/this.deb && watching && grep "^output: text" /etc/nswarden/nswarden.yaml && [[ -z $(refusals) ]]'
finish
