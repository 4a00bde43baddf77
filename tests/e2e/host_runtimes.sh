#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Docker, containerd, Kubernetes' CRI on containerd, and podman with and without its service, side by side: each container
# is known by its runtime's word, from its first act on, whoever of them restarts meanwhile.
source "$(dirname "$(realpath "$0")")/lib.sh"
source "$E2E/engine.sh"
BRIDGE_CASES=0 # the daemon of a test on a host makes no bridge
[[ ! -e /.nswarden-vm-job ]] || BRIDGE_CASES=1
plan $((32 + BRIDGE_CASES))

CONTAINERD=$WORK/containerd/c.sock

start_containerd() {
  setsid containerd --config "$WORK/containerd/config.toml" </dev/null >>"$WORK/containerd/log" 2>&1 &
  CONTAINERD_PID=$!
  wait_for "${NSWARDEN_START_DEADLINE:-30}" ctr version
}

# Its containers outlive it: they go first.
stop_containerd() {
  local space task
  for space in default k8s.io; do
    for task in $(ctr -n "$space" task ls -q 2>/dev/null); do
      ctr -n "$space" task rm -f "$task" >/dev/null 2>&1 || true
    done
  done
  kill "$CONTAINERD_PID" 2>/dev/null || true
  wait "$CONTAINERD_PID" 2>/dev/null || true
  awk -v below="$WORK/" 'index($2, below) == 1 {print $2}' /proc/mounts | sort -r |
    while read -r mount; do umount -l "$mount" || true; done
}

ctr() { command ctr --address "$CONTAINERD" "$@"; }
cri() { "$E2E/cri" "$CONTAINERD" "$@"; }

# podman apart from any other on this machine, as far as this machine lets it.
PODMAN=(podman --root "$WORK/podman/storage" --runroot "$WORK/podman/run" --tmpdir "$WORK/podman/tmp" --runtime runc
  --storage-driver vfs --cgroup-manager cgroupfs --events-backend file)
pod() { "${PODMAN[@]}" "$@"; }
pod_run() {
  pod run --network none --ulimit "nofile=$(ulimit -Sn):$(ulimit -Hn)" --ulimit nproc=1000:1000 "$@"
}

# A user who runs podman himself, gone with the script.
USER_NAME=nsw$$
USER_HOME=$(mktemp -d /tmp/nsw.XXXXXX)
add_user() {
  useradd --no-create-home --home-dir "$USER_HOME" "$USER_NAME"
  USER_RUN=/run/user/$(id -u "$USER_NAME")
  at_exit remove_user
  mkdir -p /run/user
  install -d -o "$USER_NAME" -g "$USER_NAME" -m 700 "$USER_RUN" "$USER_HOME"
}
remove_user() {
  user_pod rm -af -t 0 >/dev/null 2>&1 || true
  local pid # of the process that podman keeps its user namespace with
  pid=$(cat "$USER_RUN/libpod/tmp/pause.pid") && kill "$pid"
  userdel --force "$USER_NAME"
  rm -rf "$USER_HOME" "$USER_RUN"
}
user_pod() {
  (cd / && setpriv --reuid "$USER_NAME" --regid "$USER_NAME" --init-groups env -i HOME="$USER_HOME" USER="$USER_NAME" \
    XDG_RUNTIME_DIR="$USER_RUN" PATH="$PATH" podman --runtime runc --storage-driver vfs --cgroup-manager cgroupfs \
    --events-backend file "$@")
}

mkdir -p "$WORK/containerd" "$WORK/podman"
cat >"$WORK/containerd/config.toml" <<EOF
version = 2
root = "$WORK/containerd/root"
state = "$WORK/containerd/state"
[grpc]
address = "$CONTAINERD"
[ttrpc]
address = "$CONTAINERD.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "docker.io/demo/pause:1"
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
EOF
cat >"$WORK/nswarden.yaml" <<EOF
history: {events: [exec]}
runtimes:
  containerd: $CONTAINERD
  crio: $WORK/no-crio.sock
  podman: $WORK/podman.sock
  podman_storage: $WORK/podman/storage
  podman_run: $WORK/podman/run
EOF
mkdir -p "$POLICIES"
cat >"$POLICIES/who.yaml" <<'EOF'
nswarden: 1
policy: who
rules:
  - rule: who
    desc: says who it is
    condition: evt.type = execve and proc.name = uname and container.image.repository = docker.io/demo/web
    output: "who %container.type %container.name %container.image.tag %container.label[app] %k8s.pod.name %k8s.pod.label[tier]"
    priority: NOTICE
  - rule: facts
    desc: says all that is known of it
    condition: evt.type = execve and proc.name = uname and container.image.repository = docker.io/demo/web
    output: "%container.name %container.id %container.full_id %container.image %container.image.digest %container.privileged %container.ip %container.mounts %container.labels %container.start_ts %k8s.ns.name %k8s.pod.uid %k8s.pod.labels"
    priority: NOTICE
EOF

# Not every machine that tests may give all of them.
PRIVILEGED=() privileged=false
[[ ! -e /.nswarden-vm-job ]] || PRIVILEGED=(--privileged) privileged=true

# who TYPE NAME TAG APP POD TIER: how many alerts said exactly this.
who() { alerts_become 1 ".output | endswith(\" who $*\")"; }
# facts NAME FIELD=REGEX...: what an alert says of that container; a field that it does not name is not asked for.
facts() {
  local name=$1 wanted
  shift
  wanted=$(printf '%s\n' "$@" | jq -Rn '[inputs | capture("^(?<field>[^=]+)=(?<value>.*)$")]')
  alerts_become 1 ".rule == \"facts\" and .output_fields[\"container.name\"] == \"$name\" and
    (.output_fields as \$all | all($wanted[]; .value as \$value | \$all[.field] | tostring | test(\$value)))" && return
  diag "$(jq -c "select(.rule == \"facts\" and .output_fields[\"container.name\"] == \"$name\") | .output_fields" "$ALERTS")"
  return 1
}
# started_with NAME PID: an alert says that it started when that process did, to two seconds.
started_with() {
  local ticks since_boot
  read -r -a ticks < <(sed 's/.*) //' "/proc/$2/stat")
  since_boot=$((ticks[19] / $(getconf CLK_TCK)))
  alerts ".rule == \"facts\" and .output_fields[\"container.name\"] == \"$1\" and
    (.output_fields[\"container.start_ts\"] / 1e9 - $since_boot - $(date +%s) + $(cut -d. -f1 /proc/uptime) | fabs) <= 2" | grep -q '^[1-9]'
}
# bound NAME RUNTIME: ps knows a container of that name and runtime.
bound() {
  wait_for "${NSWARDEN_ALERT_DEADLINE:-15}" eval "\"\$NSWARDEN\" ps --json | jq -e '.containers[] | select(.name == \"$1\" and .runtime == \"$2\")'"
}
# runtime_is NAME REGEX: status says this of a runtime, soon.
runtime_is() {
  wait_for "${NSWARDEN_RUNTIME_DEADLINE:-60}" eval "\"\$NSWARDEN\" status --json | jq -e '.runtimes[] | select(.name == \"$1\") | .state | test(\"$2\")'"
}

if [[ -e /.nswarden-vm-job ]]; then use_guest_docker; else start_dockerd; fi
"$E2E/image" demo/web:1.2
docker run -d --name web --label app=docker --network none demo/web:1.2 /bin/sleep 900 >/dev/null
docker commit -c 'CMD ["/bin/sleep", "900"]' web demo/pause:1 >/dev/null
docker save -o "$WORK/images.tar" demo/web:1.2 demo/pause:1
at_exit stop_containerd
start_containerd
for space in default k8s.io; do ctr -n "$space" image import --snapshotter native "$WORK/images.tar" >/dev/null; done
at_exit eval "pod rm -af -t 0 >/dev/null"
docker export web | pod import -q - docker.io/demo/web:1.2 >/dev/null
add_user
docker export web | user_pod import -q - docker.io/demo/web:1.2 >/dev/null

# Before the engine: one of each.
ctr run -d --null-io --snapshotter native --label app=ctr docker.io/demo/web:1.2 byhand$$ /bin/sleep 900
POD=$(cri pod shop-0 shop uid-0 tier=front)
cri container "$POD" cart docker.io/demo/web:1.2 /bin/sleep 900 >/dev/null
pod_run -d --name apart docker.io/demo/web:1.2 /bin/sleep 900 >/dev/null

check_engine "the engine starts" --config "$WORK/nswarden.yaml"
check "one of Docker's from before is known" bound web docker
check "... of containerd's" bound byhand$$ containerd
check "... of the CRI's" bound cart containerd
check "... its pod's own container is named as such" bound sandbox:shop-0 containerd
check "... of podman's, by its files" bound apart podman
check "status: Docker" runtime_is docker "^connected .docker "
check "status: containerd" runtime_is containerd "^connected .containerd .*, 1 container"
check "status: the CRI" runtime_is cri "^connected .containerd .*, 2 containers"
check "status: what is not there" runtime_is cri-o "^not there: "
check "status: podman's files" runtime_is "podman files" "^connected .files of 2 users, 1 container"

# The first act of a container that comes now.
docker run --rm --name d1 --label app=shop "${PRIVILEGED[@]}" -v "$WORK:/host:ro" --network none demo/web:1.2 /bin/uname >/dev/null
check "a first act in Docker's has its name" who docker d1 1.2 shop '<NA>' '<NA>'
check "... and all that Docker knows" facts d1 container.full_id='^[0-9a-f]{64}$' container.image='^demo/web:1.2$' \
  container.privileged="^$privileged\$" container.mounts="^$WORK:/host:ro:false:" container.labels='^app:shop$' container.start_ts='^[1-9]' \
  container.image.digest='^sha256:[0-9a-f]{64}$'
ctr run --rm --null-io --snapshotter native --label app=shop "${PRIVILEGED[@]}" --mount "type=bind,src=$WORK,dst=/host,options=rbind:ro" \
  docker.io/demo/web:1.2 c1-$$ /bin/uname
check "... in containerd's" who containerd c1-$$ 1.2 shop '<NA>' '<NA>'
check "... and all that it knows" facts c1-$$ container.full_id="^default/c1-$$\$" container.privileged="^$privileged\$" \
  container.mounts="^$WORK:/host::false:" container.labels='app:shop' container.start_ts='^[1-9]' container.image.digest='^sha256:[0-9a-f]{64}$'
cri container "$POD" till docker.io/demo/web:1.2 /bin/uname >/dev/null
check "... in a pod's" who containerd till 1.2 '<NA>' shop-0 front
check "... and all that the CRI knows" facts till container.full_id='^[0-9a-f]{64}$' k8s.ns.name='^shop$' k8s.pod.uid='^uid-0$' \
  k8s.pod.labels='^tier:front$' container.start_ts='^[1-9]' container.image='^docker.io/demo/web:1.2$' container.image.digest='^sha256:[0-9a-f]{64}$'
pod_run --rm --name p1 --label app=shop "${PRIVILEGED[@]}" -v "$WORK:/host:ro" docker.io/demo/web:1.2 /bin/uname >/dev/null
check "... in podman's" who podman p1 1.2 shop '<NA>' '<NA>'
check "... and all that its files say" facts p1 container.full_id='^[0-9a-f]{64}$' container.mounts="^$WORK:/host::false:" \
  container.labels='^app:shop$' container.start_ts='^[1-9]' container.image.digest='^sha256:[0-9a-f]{64}$'
# A user's container may have no cgroup of its own: its process tells, while it lives.
user_pod run --rm --name u1 --label app=shop --network none --ulimit host docker.io/demo/web:1.2 /bin/sh -c '/bin/uname; sleep 5' >/dev/null
check "... in that of a user who is not root" who podman u1 1.2 shop '<NA>' '<NA>'
check "... and all that his files say" facts u1 container.full_id='^[0-9a-f]{64}$' container.privileged='^false$' \
  container.labels='^app:shop$' container.start_ts='^[1-9]' container.image.digest='^sha256:[0-9a-f]{64}$'
if ((BRIDGE_CASES)); then
  docker run -d --name bridged demo/web:1.2 /bin/sleep 900 >/dev/null
  bound bridged docker
  sleep 1
  docker exec bridged /bin/uname >/dev/null
  address=$(docker inspect -f '{{.NetworkSettings.IPAddress}}' bridged)
  check "one on a bridge has its address" facts bridged container.ip="^${address:-there is none}\$"
fi

"${PODMAN[@]}" system service --time 0 "unix://$WORK/podman.sock" >"$WORK/podman.log" 2>&1 &
at_exit kill $!
check "podman's service is found" runtime_is podman "^connected .podman "
pod_run -d --name p2 --label app=shop "${PRIVILEGED[@]}" -v "$WORK:/host:ro" docker.io/demo/web:1.2 /bin/sleep 900 >/dev/null
bound p2 podman
sleep 1
pod exec p2 /bin/uname >/dev/null
check "... and tells of its containers" who podman p2 1.2 shop '<NA>' '<NA>'
check "... all that it knows" facts p2 container.full_id='^[0-9a-f]{64}$' container.privileged="^$privileged\$" \
  container.mounts="^$WORK:/host::false:" container.labels='^app:shop$' container.start_ts='^[1-9]' container.image.digest='^sha256:[0-9a-f]{64}$'

# Renamed, paused, and another of the same name.
docker rename web renamed
check "a new name is known" bound renamed docker
docker pause renamed >/dev/null
docker unpause renamed >/dev/null
docker exec renamed /bin/uname >/dev/null
check "a pause changes nothing" who docker renamed 1.2 docker '<NA>' '<NA>'
docker rm -f renamed >/dev/null
docker run -d --name renamed --label app=again --network none demo/web:1.2 /bin/sleep 900 >/dev/null
docker exec renamed /bin/uname >/dev/null
check "another one of the same name is told apart" who docker renamed 1.2 again '<NA>' '<NA>'
check "... and when it was started" started_with renamed "$(docker inspect -f '{{.State.Pid}}' renamed)"

# A runtime that dies, and an engine that was away.
kill -KILL "$CONTAINERD_PID"
wait "$CONTAINERD_PID" 2>/dev/null || true
check "a dead runtime is said to be dead" runtime_is containerd "^not there: "
start_containerd
ctr run -d --null-io --snapshotter native --label app=back docker.io/demo/web:1.2 c2-$$ /bin/sleep 900
check "it is found again when it is back" bound c2-$$ containerd
stop_engine "$ENGINE_PID"
ctr run -d --null-io --snapshotter native docker.io/demo/web:1.2 c3-$$ /bin/sleep 900
pod_run -d --name p3 docker.io/demo/web:1.2 /bin/sleep 900 >/dev/null
start_engine --config "$WORK/nswarden.yaml"
check "what came while the engine was away is known: containerd" bound c3-$$ containerd
check "... and podman" bound p3 podman
finish
