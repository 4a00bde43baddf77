#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The ten rules that nswarden comes with, on this very kernel with a real Docker: an ordinary day says nothing, and each
# of the ten acts says its one thing.
source "$(dirname "$(realpath "$0")")/lib.sh"
source "$E2E/engine.sh"
plan 32

start_dockerd
mkdir -p "$POLICIES"
install -m 0644 "$REPO"/policies/*.yaml "$POLICIES"
"$E2E/image" demo/base
docker() { command docker "$@" </dev/null; }
# Alerts of containers that this Docker knows: what else lives on the machine is called by its namespace or its id.
ours='.output_fields["container.name"] | test("^(ns-[0-9]+|[0-9a-f]{12})(/|$)") | not'

# ---- what the day needs: an image as the official nginx has it, whose entrypoint edits its own settings ----

mkdir -p "$WORK/site/docker-entrypoint.d" "$WORK/volume"
cat >"$WORK/site/docker-entrypoint.sh" <<'END'
#!/bin/sh
set -e
for script in /docker-entrypoint.d/*.sh; do "$script"; done
exec "$@"
END
cat >"$WORK/site/docker-entrypoint.d/10-listen.sh" <<'END'
#!/bin/sh
touch /etc/nginx/conf.d/default.conf
sed -i -E 's,listen       80;,listen       80;\n    listen  [::]:80;,' /etc/nginx/conf.d/default.conf
echo "worker_processes $(nproc);" >/etc/nginx/workers.conf
END
chmod 755 "$WORK"/site/docker-entrypoint.sh "$WORK"/site/docker-entrypoint.d/*.sh
echo 'server { listen       80; }' >"$WORK/site/default.conf"
cat >"$WORK/site/Dockerfile" <<'END'
FROM demo/base
COPY docker-entrypoint.sh /
COPY docker-entrypoint.d /docker-entrypoint.d
COPY default.conf /etc/nginx/conf.d/default.conf
RUN mkdir -p /srv/www && echo hello >/srv/www/index.html
RUN set -eu; for i in 1 2 3; do sh -c "echo $i >>/srv/www/list"; done; chown -R app /srv/www
HEALTHCHECK --interval=1s --timeout=5s CMD wget -q -O /dev/null http://127.0.0.1:8080/ || exit 1
ENTRYPOINT ["/docker-entrypoint.sh"]
CMD ["httpd", "-f", "-p", "8080", "-h", "/srv/www"]
END

# A client of the runtime's socket, as any program with a Docker library is.
cat >"$WORK/client.c" <<'END'
#include <sys/socket.h>
#include <sys/un.h>
int main(void)
{
  struct sockaddr_un to = {AF_UNIX, "/run/docker.sock"};
  return connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to) != 0;
}
END
cc -static -o "$WORK/volume/client" "$WORK/client.c"

check_engine "the engine starts with the policies that it comes with"
check "... all ten rules" eval '[[ $("$NSWARDEN" status --json | jq "[.policies[].rules] | add") == 10 ]]'

# ---- an ordinary day ----

check "an image is built" env DOCKER_BUILDKIT=0 docker build --network none -q -t demo/site "$WORK/site"
check "a site is started" docker run -d --name site --network none demo/site
healthy() { docker inspect -f '{{.State.Health.Status}}' site | grep -qx healthy; }
check "... and found healthy" wait_for 30 healthy
check "... after its entrypoint edited its settings" \
  eval 'docker exec site cat /etc/nginx/conf.d/default.conf | grep -q "::"'
does() { "$@" || { echo "failed: $*"; went_wrong=1; }; }
day() {
  local went_wrong=0
  does docker run --rm --network none demo/base true
  does docker run --rm --network none --init -u app -e LANG=C demo/base id
  does docker run --rm --network none --read-only --tmpfs /tmp demo/base sh -c 'echo x >/tmp/x; cat /tmp/x'
  does docker run --rm --network none -v "$WORK/volume:/srv/tools:ro" --entrypoint /bin/ls demo/base -l /srv/tools
  does docker run -d --name worker --network none --restart on-failure demo/base \
    sh -c 'while :; do date >/var/log/date; sleep 1; done'
  does docker exec site ls -l /etc
  does docker exec site cat /etc/hostname /etc/passwd /etc/group /etc/resolv.conf
  does docker exec -u app -w /srv site sh -c 'pwd; ps; df; id; wget -q -O - http://127.0.0.1:8080/list'
  does docker exec -t site ls /srv
  does docker exec -d worker sleep 2
  does docker exec worker sh -c 'nc -z 127.0.0.1 9 || true'
  does docker top site
  does docker logs site
  does docker cp "$WORK/site/Dockerfile" site:/srv/www/
  does docker cp site:/srv/www/index.html "$WORK/"
  does docker pause worker
  does docker unpause worker
  does docker restart -t 1 site
  does docker kill -s HUP worker
  does docker stop -t 1 worker
  does docker start worker
  does docker rm -f worker
  does docker commit site demo/saved
  does docker run --rm --network none --entrypoint /bin/cat demo/saved /srv/www/index.html
  return "$went_wrong"
}
check "an ordinary day" day
check "... and the site is healthy again" wait_for 30 healthy
check "... ends" docker rm -f site
check "all of it was seen" history_shows '"/srv/www/index.html"' --event open --process cat
sleep 2
check "it raised no alert" alerts_become 0 "$ours"

# ---- each act, once ----

docker run -d --name target --network none --tmpfs /tmp:exec -v "$WORK/volume:/srv/tools:ro" \
  -v "${DOCKER_HOST#unix://}:/run/docker.sock" demo/base sleep 900 >/dev/null

# act RULE COMMAND...: it raises that one alert, and no other.
made=0
act() {
  local rule=$1
  shift
  "$@" >/dev/null 2>&1 || true
  made=$((made + 1))
  check "$rule" alerts_become 1 ".rule == \"$rule\" and .output_fields[\"container.name\"] == \"target\""
  check_equal "... and nothing else" "$made" "$(alerts "$ours")"
}
in_target() { docker exec target "$@"; }

act "Terminal shell in container" docker exec -t target sh -c true
act "Sensitive file read" in_target cat /etc/shadow
act "System file changed" in_target sh -c 'echo "* * * * * root x" >>/etc/crontab'
act "Program run from a temporary place" in_target sh -c 'cp /bin/busybox /tmp/true; /tmp/true'
in_target sh -c 'printf "#!/bin/sh\ntrue\n" >/tmp/script; chmod 755 /tmp/script; /tmp/script' >/dev/null 2>&1 || true
made=$((made + 1))
check "... a script as well" alerts_become 1 \
  '.rule == "Program run from a temporary place" and .output_fields["evt.arg.file"] == "/tmp/script"'
act "Cloud metadata service contacted" in_target nc -w 1 169.254.169.254 80
act "Package manager run" in_target dpkg -l
act "Remote shell tool run" in_target nc -w 1 127.0.0.1 9 -e /bin/true
act "Program not in the image" in_target sh -c 'cp /bin/busybox /srv/true; /srv/true'
act "Container runtime socket used" in_target /srv/tools/client
act "Change of namespace" in_target unshare -m true
finish
