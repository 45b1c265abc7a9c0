# Settings and process functions shared by up, seed, counts and down. Sourced, never run.
# shellcheck shell=bash disable=SC2034

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LIB=$HERE/lib
LOCK_TXT=$HERE/lock.txt
DIR=${TIDEGATE_TESTBED_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/tidegate/testbed}
case $DIR in /*) ;; *) DIR=$PWD/$DIR ;; esac
VENV=$DIR/venv ETC=$DIR/etc LOG=$DIR/log RUN=$DIR/run STATE=$DIR/state

# One address, fixed ports. The infrastructure ports are not the usual ones, so
# that a database or a message bus already on the machine does not collide.
P_DB=13306 P_MQ=15673 P_DIST=25673 P_EPMD=14369 P_MC=21211
P_KEYSTONE=5000 P_GLANCE=9292 P_PLACEMENT=8778 P_NOVA=8774 P_NEUTRON=9696 P_CINDER=8776 P_BARBICAN=9311
# Of the Ceph testbed, whose gateway stands in the catalog when it runs.
P_RGW=17480
REGION=RegionOne
ADMIN_PW=secret SVC_PW=service-secret
SOCK=$RUN/mariadb.sock

COMPUTES=(compute-01 compute-02 compute-03 compute-04 compute-05 compute-06)
NETWORKS=(network-01 network-02)

say() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# One writer per testbed: up, seed and down exclude each other. Services are
# started without the descriptor, so a dead script never leaves the lock held.
take_lock() {
  mkdir -p "$DIR"
  exec 9>"$DIR/lock"
  flock -n 9 || { say "another testbed script is at work, waiting"; flock -w 900 9 || fail "the testbed lock stays taken: $DIR/lock"; }
}

# --- processes -----------------------------------------------------------
# A pid file holds "PID STARTTIME". The start time (field 22 of stat) tells our
# process from a stranger that was given the same pid after a reboot.

# start_time PID: prints the start time, fails if there is no such process or it is a zombie.
start_time() {
  local s
  { read -r s <"/proc/$1/stat"; } 2>/dev/null || return 1
  s=${s##*) }
  set -- $s
  [ "$1" != Z ] && [ "$1" != X ] && printf '%s' "${20}"
}

# alive NAME: is the process that NAME's pid file means still there?
alive() {
  local pid was now
  { read -r pid was <"$RUN/$1.pid"; } 2>/dev/null || return 1
  [ -n "$pid" ] && now=$(start_time "$pid") && [ "$now" = "$was" ]
}

# session PID: prints the pids of all live processes in that session.
session() {
  local f s
  for f in /proc/[0-9]*/stat; do
    { read -r s <"$f"; } 2>/dev/null || continue
    local pid=${s%% *}
    s=${s##*) }
    set -- "$1" $s
    [ "$2" != Z ] && [ "$5" = "$1" ] && printf '%s ' "$pid"
  done
  return 0
}

# strays: prints the pids of service processes that no pid file knows of: they
# run in $RUN and are none of the shells that may stand there.
strays() {
  local p exe
  for p in /proc/[0-9]*; do
    case $(readlink "$p/cwd" 2>/dev/null) in "$RUN" | "$STATE"/mysql | "$STATE"/rabbit*) ;; *) continue ;; esac
    exe=$(readlink "$p/exe" 2>/dev/null) || continue
    case ${exe##*/} in python3* | mariadbd* | beam.smp* | epmd* | memcached* | erl* | inet_gethost*) printf '%s ' "${p#/proc/}" ;; esac
  done
}

# clear_dead NAME: ends what a crashed NAME left behind in its session.
clear_dead() {
  local pid was left
  { read -r pid was <"$RUN/$1.pid"; } 2>/dev/null || return 0
  # A leader that is alive with another start time is a stranger, and so is its session.
  if [ -n "$pid" ] && ! start_time "$pid" >/dev/null; then
    left=$(session "$pid")
    # shellcheck disable=SC2086
    [ -z "$left" ] || kill -KILL $left 2>/dev/null || true
  fi
  rm -f "$RUN/$1.pid"
}

# start NAME CMD...: background process in its own session, with pid file and fresh log.
start() {
  local n=$1 pid
  shift
  alive "$n" && return 0
  clear_dead "$n"
  [ ! -s "$LOG/$n.log" ] || mv -f "$LOG/$n.log" "$LOG/$n.log.old"
  (cd "$RUN" && exec setsid "$@") >"$LOG/$n.log" 2>&1 </dev/null 9>&- &
  pid=$!
  printf '%s %s\n' "$pid" "$(start_time "$pid" || echo 0)" >"$RUN/$n.pid"
}

# wait_for NAME SECONDS CMD...: until CMD succeeds; shows the log tail if NAME dies or is late.
wait_for() {
  local n=$1 end=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ -s "$RUN/$n.pid" ] && ! alive "$n"; then show_log "$n"; fail "$n died"; fi
    if [ $SECONDS -ge $end ]; then show_log "$n"; fail "$n is not ready in time"; fi
    sleep 0.2
  done
}

show_log() {
  printf -- '--- last lines of %s\n' "$LOG/$1.log" >&2
  tail -n 25 "$LOG/$1.log" >&2 2>/dev/null || true
}

tcp() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# stop SECONDS NAME...: TERM to each session, KILL to what is left after SECONDS.
stop() {
  local end=$((SECONDS + $1)) n pid left was
  shift
  for n; do
    if alive "$n"; then
      read -r pid was <"$RUN/$n.pid"
      kill -TERM -- "-$pid" 2>/dev/null || kill -TERM "$pid" 2>/dev/null || true
    fi
  done
  for n; do
    { read -r pid was <"$RUN/$n.pid"; } 2>/dev/null || continue
    while alive "$n" && [ $SECONDS -lt $end ]; do sleep 0.1; done
    if alive "$n" || ! start_time "$pid" >/dev/null; then
      left=$(session "$pid")
      # shellcheck disable=SC2086
      [ -z "$left" ] || kill -KILL $left 2>/dev/null || true
    fi
    rm -f "$RUN/$n.pid"
  done
}

# names: prints the names of all services that have a pid file.
names() {
  local f
  for f in "$RUN"/*.pid; do
    [ -e "$f" ] || continue
    f=${f##*/}
    printf '%s\n' "${f%.pid}"
  done
}

INFRA=(rabbitmq memcached mariadb epmd)

# stop_everything: services first, then what they stand on; fails if a process is left.
stop_everything() {
  local n services=() left i
  for n in $(names); do
    case " ${INFRA[*]} " in *" $n "*) ;; *) services+=("$n") ;; esac
  done
  # Neutron takes 15 s for a graceful end; nothing here needs one but the database.
  stop 8 "${services[@]}"
  stop 30 rabbitmq memcached mariadb
  stop 5 epmd
  for i in 1 2 3 4 5; do
    left=$(strays)
    [ -n "$left" ] || return 0
    # shellcheck disable=SC2086
    if [ "$i" -lt 3 ]; then kill -TERM $left 2>/dev/null || true; else kill -KILL $left 2>/dev/null || true; fi
    sleep 0.5
  done
  printf 'still running: %s\n' "$left" >&2
  return 1
}

# kill_jobs: ends this script's own helpers (imports, schema syncs, installers), not the services.
kill_jobs() {
  local pids
  pids=$(cat /proc/[0-9]*/stat 2>/dev/null | awk -v me="$$" '
    { pid = $1; sub(/^.*\) /, ""); parent[pid] = $2; sid[pid] = $4 }
    END { for (p in parent) { q = p; while (q in parent && q != me && q > 1) q = parent[q]
          if (q == me && p != me && sid[p] == sid[me]) print p } }')
  # shellcheck disable=SC2086
  [ -z "$pids" ] || kill -TERM $pids 2>/dev/null || true
}
