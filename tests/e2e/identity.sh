# SPDX-License-Identifier: Apache-2.0
# Whose act it is, with a real runtime: containers that come and go quickly, that share the host's namespaces, that make
# others inside; the runtime's own helpers and hooks; services of the host. For scripts that have sourced lib.sh and
# engine.sh, have a Docker daemon, and have set RUNTIMES to its configuration file and DOCKERD_PID.
# shellcheck shell=bash
ACTS=${NSWARDEN_ACTS_PROGRAM:-$REPO/build/release/tests/acts/nsw_acts}
OUT=$WORK/out # /out in each container

# All privileges, or as many as a host whose root does not have all of them can give.
PRIVILEGED=(--privileged)
grep -q '^CapEff:.*f\{10\}$' /proc/self/status ||
  PRIVILEGED=(--cap-add SYS_ADMIN --cap-add SYS_PTRACE --security-opt seccomp=unconfined --security-opt systempaths=unconfined)

identity_policies() {
  mkdir -p "$POLICIES" "$OUT"
  cat >"$POLICIES/any.yaml" <<'EOY'
nswarden: 1
policy: any
rules:
  - rule: any
    condition: evt.type in (execve, execveat, open, openat, creat, mount, unshare, setns, pivot_root)
    output: "%container.name %container.image.repository %evt.num %evt.type %evt.res %proc.name %proc.exepath %proc.joined %fd.name %fd.nameraw %proc.pid"
    priority: NOTICE
EOY
  # What a runtime does to make a container: nothing of it may be taken for the container's.
  cat >"$POLICIES/strict.yaml" <<'EOY'
nswarden: 1
policy: strict
images: ["identity/i*"]
mode: enforce
deny:
  exec: ["**/runc"]
  write: ["/proc/**", "/sys/**", "/dev/**", "/etc/**"]
EOY
  # A file ring that a flood fills at once.
  cat >"$WORK/nswarden.yaml" <<EOY
history: {events: [open]}
rings: {files: 1MiB}
EOY
}

# told FILTER: the fields of the alerts that a jq filter selects, as [name, image, type, program, joined, file] lines.
told() {
  jq -r "select(.rule == \"any\") | .output_fields | select($1) |
    [.\"container.name\", .\"container.image.repository\", .\"evt.type\", .\"proc.exepath\", .\"proc.joined\", .\"fd.name\"] | map(tostring) | join(\" \")" "$ALERTS"
}
# told_soon FILTER: at least one; each comes within a minute, or never.
told_soon() { wait_for 60 eval "[[ -n \$(told '$1') ]]"; }

# ---- containers that come and go ----

# many COUNT: containers of as many images, started as fast as the runtime can. One has the host's process ids, one its
# network, one all privileges.
many() {
  local i names=() options
  "$E2E/image" $(seq -f 'identity/i%.0f' "$1")
  for ((i = 1; i <= $1; i++)); do
    case $i in
      1) options="--network none --pid host" ;;
      2) options="--network host" ;;
      3) options="--network none ${PRIVILEGED[*]}" ;;
      *) options="--network none" ;;
    esac
    # shellcheck disable=SC2086
    docker create --name "c$i" $options -v "$OUT:/out" "identity/i$i" /bin/sh -c "readlink /proc/self/ns/mnt >/out/c$i" >/dev/null
    names+=("c$i")
  done
  docker start "${names[@]}" >/dev/null
}
all_there() { [[ $(cat "$OUT"/c* 2>/dev/null | wc -l) == "$1" ]]; }
all_told() { [[ $(told '."fd.name" // "" | startswith("/out/c")' | wc -l) == "$1" ]]; }

# first_acts: of each container that many() made the first act.
first_acts() {
  jq -rs '[.[] | select(.rule == "any") | .output_fields | select(."container.name" | test("^c[0-9]+$"))] |
    group_by(."container.name") | map(min_by(."evt.num")) | sort_by(."container.name" | ltrimstr("c") | tonumber) | .[] |
    [."container.name", ."container.image.repository", ."evt.type", ."proc.exepath", (."proc.joined" | tostring)] | join(" ")' "$ALERTS"
}

identity_many() {
  local count=$1 wanted
  many "$count"
  wait_for 120 all_there "$count" || true
  wait_for 60 all_told "$count" || true
  wanted=$(for ((i = 1; i <= count; i++)); do echo "c$i identity/i$i execve /bin/sh false"; done)
  check_equal "the first act of each of $count containers is its entrypoint's, with its image (I10, I7)" "$wanted" "$(first_acts)"
  wanted=$(for ((i = 1; i <= count; i++)); do echo "c$i identity/i$i openat /bin/sh false /out/c$i"; done)
  check_equal "each file is told of once, and of whoever wrote it" "$wanted" \
    "$(told '."fd.name" // "" | startswith("/out/c")' | sort -V)"
  check_equal "the host's process ids, its network, all privileges: each of them a container as others (I5)" "c1 c2 c3" \
    "$(told '."fd.name" // "" | startswith("/out/c")' | sort -V | head -n 3 | cut -d' ' -f1 | paste -sd' ')"
  check "the number of a mount namespace was used again, and nothing was mistaken (I6)" test -n "$(sort "$OUT"/c* | uniq -d)"
  check_equal "no runtime's helper is taken for a container's (I11)" "" \
    "$(told '."container.name" != "outer" and (([."proc.exepath", ."proc.name"] | map(. // "") | join(" ")) | test("runc|memfd|/exe$"))')"
  check_equal "... and none has broken under a policy that forbids what it does (I11)" "$count" \
    "$(docker ps -a --filter exited=0 --filter name='^c[0-9]+$' -q | wc -l)"
}

# ---- hooks ----

# A runtime that adds hooks to what Docker asks for.
add_hooked_runtime() {
  cat >"$WORK/hooked" <<EOF2
#!/bin/bash
for argument; do
  [[ \${previous-} != --bundle ]] || bundle=\$argument
  previous=\$argument
done
if [[ " \$* " == *" create "* ]]; then
  jq '.hooks.createContainer += [{path: "/bin/busybox", args: ["touch", "$OUT/hook-create"]}] |
    .hooks.startContainer += [{path: "/bin/touch", args: ["touch", "/out/hook-start"]}]' "\$bundle/config.json" >"\$bundle/new.json"
  mv "\$bundle/new.json" "\$bundle/config.json"
fi
exec runc "\$@"
EOF2
  chmod +x "$WORK/hooked"
  mkdir -p "$(dirname "$RUNTIMES")"
  echo "{\"runtimes\": {\"hooked\": {\"path\": \"$WORK/hooked\"}}}" >"$RUNTIMES"
  kill -HUP "$DOCKERD_PID"
  wait_for 30 eval 'docker info --format "{{json .Runtimes}}" | grep -q hooked'
}

identity_hooks() {
  check "a runtime with hooks is known to Docker" add_hooked_runtime
  "$E2E/image" identity/hooked
  check "a container with hooks runs" docker run --rm --name hooked --runtime hooked --network none -v "$OUT:/out" identity/hooked /bin/touch /out/hooked
  told_soon '."fd.name" == "/out/hooked"' || true
  check_equal "a hook that runs inside before the entrypoint is the container's (I13)" "hooked identity/hooked openat /bin/touch false /out/hook-start" \
    "$(told '."fd.name" == "/out/hook-start"')"
  check_equal "... also before its root is in place (I13)" "hooked identity/hooked $(realpath /bin/busybox)" \
    "$(told '(."fd.nameraw" // "" | endswith("/hook-create")) and (."evt.type" | startswith("open"))' | cut -d' ' -f1,2,4)"
  check_equal "... and the entrypoint has not joined it from outside (I13)" "hooked identity/hooked openat /bin/touch false /out/hooked" \
    "$(told '."fd.name" == "/out/hooked"')"
  # With the host's process ids no number tells its first process from those of the hooks.
  rm "$OUT"/hook-*
  docker run --rm --name hostly-hooked --runtime hooked --pid host --network none -v "$OUT:/out" identity/hooked /bin/touch /out/hostly-hooked
  told_soon '."fd.name" == "/out/hostly-hooked"' || true
  check_equal "... nor with the host's process ids (I5, I13)" "hostly-hooked identity/hooked openat /bin/touch false /out/hook-start
hostly-hooked identity/hooked openat /bin/touch false /out/hostly-hooked" \
    "$(told '(."fd.name" | IN("/out/hook-start", "/out/hostly-hooked")) and ."container.name" == "hostly-hooked"')"
}

# ---- process ids ----

# move_out PID: to the root of each hierarchy.
move_out() {
  local list
  for list in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do [[ ! -e $list ]] || echo "$1" >"$list" || true; done
  ! grep -q "$(docker inspect -f '{{.Id}}' hostly)" "/proc/$1/cgroup"
}

# With the host's process ids, so that it is the host's number that is used again; then out of its cgroup, and on to a
# mount namespace of its own.
identity_reuse() {
  local rounds=$1 i wanted pid
  "$E2E/image" identity/hostly
  docker run -d --name hostly --pid host --network host "${PRIVILEGED[@]}" -v "$ACTS:/program:ro" -v "$OUT:/out" identity/hostly \
    /bin/sh -c "mkdir /srv/x; /program reuse /srv/x $rounds >/out/reused 2>/out/why; touch /out/done
      while [ ! -e /out/move ]; do sleep 1; done; unshare -m /bin/touch /out/moved" >/dev/null
  check "short-lived processes share a process id" wait_for 120 test -e "$OUT/done" -a -s "$OUT/reused"
  sed 's/^/  # /' "$OUT/why" || true
  check "a process is moved out of its container's cgroup" move_out "$(docker inspect -f '{{.State.Pid}}' hostly)"
  touch "$OUT/move"
  told_soon '."fd.name" == "/out/moved"' || true
  wanted=$(for ((i = 0; i < rounds; i++)); do printf '%s\n' "/srv/x/a.$i /srv/x/program-a" "/srv/x/b.$i /srv/x/program-b" "/srv/x/none.$i /program"; done | sort)
  pid=$(cat "$OUT/reused")
  check_equal "each of $((3 * rounds)) is told with its own program, once (X12)" "$wanted" \
    "$(told ".\"proc.pid\" == $pid and (.\"fd.name\" // \"\" | test(\"/(a|b|none)[.][0-9]+\$\"))" | awk '{print $6, $4}' | sort)"
  check_equal "a process that left its cgroup and its mount namespace is still the container's (I4, I5)" "identity/hostly openat /bin/touch /out/moved" \
    "$(told '."fd.name" == "/out/moved"' | cut -d' ' -f2,3,4,6)"
  check "... and called so" eval "told '.\"fd.name\" == \"/out/moved\"' | grep -q '^hostly'"
}

# ---- a container in a container ----

INNER=$(printf 'ab%.0s' {1..32}) # an id as runtimes give them

# Its root and configuration, for runc inside of another container.
inner_bundle() {
  mkdir -p "$WORK/bundle/rootfs"/{bin,proc,dev,sys,out}
  cp /bin/busybox "$WORK/bundle/rootfs/bin/busybox"
  (cd "$WORK/bundle" && runc spec)
  jq '.process.terminal = false | del(.linux.namespaces[] | select(.type == "network")) | .linux.cgroupsPath = "/'"$INNER"'" | .root.readonly = false |
    .process.args = ["/bin/busybox", "sh", "-c", "busybox touch /out/inner-1; while ! busybox test -e /out/go; do busybox sleep 0.1; done; busybox touch /out/inner-2; busybox sleep 1000"] |
    .mounts += [{destination: "/out", type: "bind", source: "/out", options: ["rbind", "rw"]}]' \
    "$WORK/bundle/config.json" >"$WORK/bundle/new.json"
  mv "$WORK/bundle/new.json" "$WORK/bundle/config.json"
}

identity_nested() {
  inner_bundle
  "$E2E/image" identity/outer
  docker run -d --name outer "${PRIVILEGED[@]}" --network none -v "$OUT:/out" -v "$WORK/bundle:/bundle" -v "$(command -v runc):/bin/runc:ro" \
    -v /lib64:/lib64:ro -v /lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu:ro identity/outer \
    /bin/sh -c "for m in /sys/fs/cgroup /sys/fs/cgroup/*; do mount -o remount,bind,rw \$m; done 2>/dev/null
      exec /bin/runc --root /run/inner run --bundle /bundle $INNER" >/dev/null
  told_soon '."fd.name" == "/out/inner-1"' || diag "$(docker logs outer 2>&1 | tail -n 5)"
  check_equal "a container in a container: it has the outer one's image (I3)" "outer identity/outer openat /bin/busybox /out/inner-1" \
    "$(told '."fd.name" == "/out/inner-1"' | cut -d' ' -f1-4,6)"
}

# ---- services of the host ----

# With a mount namespace of its own, as PrivateMounts gives it; one that is there before the engine.
start_service() {
  unshare --mount /bin/bash -c "while [[ ! -e $WORK/service-go ]]; do sleep 0.5; done; touch $OUT/service-old" &
  at_exit eval "touch $WORK/service-go; wait $! || true"
}
# A container of namespaces alone. unshare itself stays outside of the PID namespace, and is there first.
start_bare() {
  unshare --mount --pid --fork --mount-proc /bin/bash -c "while [[ ! -e $WORK/service-go ]]; do sleep 0.5; done; touch $OUT/bare" &
  at_exit eval "touch $WORK/service-go; wait $! || true"
}
identity_services() {
  touch "$WORK/service-go"
  unshare --mount touch "$OUT/service-new"
  # By which it is seen that the others had the time to come.
  unshare --mount --pid --fork --mount-proc touch "$OUT/no-service"
  wait_for 30 test -e "$OUT/service-old"
  told_soon '."fd.name" // "" | endswith("/no-service")' || true
  check_equal "services of the host with a mount namespace of their own are no containers (I14)" "no-service" \
    "$(told '."fd.name" // "" | test("/(no-)?service")' | sed 's|.*/||')"
  told_soon '."fd.name" // "" | endswith("/bare")' || true
  check_equal "namespaces alone make a container, also where no runtime knows of it and it was there before the engine (I8)" \
    "ns- null openat /usr/bin/touch $OUT/bare" \
    "$(told '."fd.name" // "" | endswith("/bare")' | sed 's/^ns-[0-9]*/ns-/' | cut -d' ' -f1-4,6)"
}

# ---- a flood ----

# A container of namespaces alone, whose shell waits until the engine is stopped.
FLOOD=${NSWARDEN_FLOOD:-$REPO/build/release/tests/nsw_flood}
lost_opens() { "$NSWARDEN" status --json | jq '.events.open | .lost_ring_full // 0'; }
identity_flood() {
  local before
  mkfifo "$WORK/flood-go"
  unshare --mount --pid --fork --mount-proc /bin/bash -c "read -r <$WORK/flood-go; $FLOOD open $1 /etc/hostname; /usr/bin/touch $OUT/forbidden; echo >$WORK/flood-done" >/dev/null &
  wait_for 30 eval '"$NSWARDEN" ps --json | jq -e ".containers[] | select(.name | startswith(\"ns-\"))"' || true
  before=$(lost_opens)
  kill -STOP "$ENGINE_PID"
  echo >"$WORK/flood-go"
  wait_for 120 test -e "$WORK/flood-done" || true
  kill -CONT "$ENGINE_PID"
  check "a program that runs behind a flood is told of (L1)" told_soon '."evt.type" == "execve" and ."proc.exepath" == "/usr/bin/touch" and (."container.name" | startswith("ns-"))'
  check "what the flood has cost is counted (L1)" test "$(lost_opens)" -gt "$before"
}

# ---- while the engine is away ----

identity_restart() {
  stop_engine "$ENGINE_PID"
  docker run -d --name away --network none -v "$OUT:/out" identity/i1 /bin/sleep 1000 >/dev/null
  check_engine "the engine starts again"
  docker exec away /bin/touch /out/away
  touch "$OUT/go"
  told_soon '."fd.name" == "/out/away"' || true
  check_equal "a container that was started meanwhile has its image (I9)" "away identity/i1 openat /bin/touch true /out/away" \
    "$(told '."fd.name" == "/out/away"')"
  told_soon '."fd.name" == "/out/inner-2"' || true
  check_equal "one in another that was there before is the outer one's, with its image (I3, I8)" \
    "outer/${INNER:0:12} identity/outer openat /bin/busybox /out/inner-2" "$(told '."fd.name" == "/out/inner-2"' | cut -d' ' -f1-4,6)"
}

IDENTITY_CASES=26
# identity COUNT ROUNDS FLOOD
identity() {
  identity_policies
  start_service
  start_bare
  check_engine "the engine starts" --config "$WORK/nswarden.yaml"
  identity_many "$1"
  identity_hooks
  identity_reuse "$2"
  identity_nested
  identity_services
  identity_flood "$3"
  identity_restart
}
