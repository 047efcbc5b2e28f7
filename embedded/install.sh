#!/usr/bin/env bash
# Set up everything the stack and the tests run on; can be run again, and does nothing when all is there.
#
#   embedded/install.sh          Python environment (.venv) from requirements.lock, jars for HDFS and Spark
#   embedded/install.sh --tests  the same, and a Chromium for the browser tests
#
# What is missing of Python 3.11+, Java 17+, Maven and Chromium is installed with apt when this
# runs as root or with sudo; otherwise one line says which command does it.
set -euo pipefail
cd "$(dirname "$0")/.."

UV_VERSION=0.13.8
TOOLS=.flashsale/install
LOGS=$TOOLS/logs
STARTED=$SECONDS

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# step TEXT COMMAND...: run it with its output in a log, and say how long it took.
step() {
  local text=$1 began=$SECONDS log
  shift
  log="$LOGS/$(printf '%s' "$text" | tr -cs 'A-Za-z0-9' '-' | sed 's/-*$//').log"
  mkdir -p "$LOGS"
  printf '  [%3d s] %s ...\n' $((SECONDS - STARTED)) "$text"
  if ! "$@" >"$log" 2>&1; then
    tail -n 12 "$log" | sed 's/^/    | /' >&2
    fail "$text failed (log: $log)"
  fi
  printf '  [%3d s] %s done after %d s\n' $((SECONDS - STARTED)) "$text" $((SECONDS - began))
}

# --- what must be on the machine ------------------------------------------------------------

suits_python() {
  "$1" -c 'import sys, ensurepip; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}
find_python() {
  local name
  for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3; do
    if command -v "$name" >/dev/null && suits_python "$name"; then command -v "$name"; return; fi
  done
  return 1
}
find_java() {
  local java=java version
  [ -n "${JAVA_HOME:-}" ] && java=$JAVA_HOME/bin/java
  command -v "$java" >/dev/null || return 1
  version=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -1)
  [ "${version:-0}" -ge 17 ]
}
find_chromium() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && return
  done
  return 1
}

# Whether apt can install package $1 in a version like $2. Not grep -q: it leaves at the first match, and then
# apt-cache, still writing, dies of the closed pipe, which pipefail would take for "no such package".
apt_offers() { apt-cache policy "$1" 2>/dev/null | grep -E "Candidate: $2" >/dev/null; }

# The first of the named packages that apt can install.
available() {
  local name
  for name in "$@"; do
    if apt_offers "$name" '[0-9]'; then printf '%s' "$name"; return; fi
  done
  return 1
}
python_packages() {
  local name
  # The system's own Python where it is new enough, otherwise one that stands beside it.
  if apt_offers python3 '3\.1[123]'; then printf 'python3 python3-venv'; return; fi
  name=$(available python3.11 python3.12 python3.13) && printf '%s %s-venv' "$name" "$name"
}

missing() {
  find_python >/dev/null || printf 'python '
  find_java || printf 'java '
  command -v mvn >/dev/null || printf 'maven '
  if [ "$1" = --tests ]; then find_chromium || printf 'chromium '; fi
}

install_missing() {
  local wanted=$1 as_root=() packages=()
  command -v apt-get >/dev/null || fail "missing: ${wanted% }; install Python 3.11 to 3.13 with venv, Java 17+, Maven (and Chromium for the tests) with this system's package manager, then run make again"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null && as_root=(sudo)
    if [ ${#as_root[@]} -eq 0 ] || { ! sudo -n true 2>/dev/null && [ ! -t 0 ]; }; then
      fail "missing: ${wanted% }; as root run: apt-get install python3 python3-venv openjdk-17-jre-headless maven chromium"
    fi
  fi
  say "missing on this machine: ${wanted% }; installing it with ${as_root[*]:+sudo }apt-get"
  # Ask for the password here, where it can be seen.
  if [ ${#as_root[@]} -gt 0 ]; then sudo -v; fi
  step "apt-get update" "${as_root[@]}" apt-get update -q
  case $wanted in *python*) read -ra names <<<"$(python_packages)"; packages+=("${names[@]:-}") ;; esac
  case $wanted in *java*) packages+=("$(available openjdk-17-jre-headless openjdk-21-jre-headless openjdk-25-jre-headless || true)") ;; esac
  case $wanted in *maven*) packages+=(maven) ;; esac
  case $wanted in *chromium*) packages+=("$(available chromium chromium-browser || true)") ;; esac
  for name in "${packages[@]}"; do
    [ -n "$name" ] || fail "apt knows no package for one of: ${wanted% }; install Python 3.11 to 3.13 with venv, Java 17+, Maven and Chromium by hand"
  done
  step "apt-get install ${packages[*]}" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${packages[@]}"
  wanted=$(missing "$2")
  [ -z "$wanted" ] || fail "still missing after apt-get install: ${wanted% }; install it by hand and run make again"
}

# --- the Python environment -------------------------------------------------------------------

make_environment() {
  local python=$1 uv="$PWD/$TOOLS/uv/bin/uv"
  if [ ! -x "$uv" ] || [ "$("$uv" --version | cut -d' ' -f2)" != "$UV_VERSION" ]; then
    rm -rf "$TOOLS/uv"
    "$python" -m venv "$TOOLS/uv"
    "$TOOLS/uv/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
  fi
  if ! suits_python .venv/bin/python; then
    rm -rf .venv
    "$uv" venv --quiet --python "$python" .venv
  fi
  export VIRTUAL_ENV="$PWD/.venv" UV_COMPILE_BYTECODE=1 UV_HTTP_TIMEOUT=180
  "$uv" pip install --require-hashes -r requirements.lock
  # The build tools are in the lock: nothing unpinned is fetched for our own package.
  "$uv" pip install --no-deps --no-build-isolation -e .
}

# --- jars -----------------------------------------------------------------------------------

make_jars() {
  local folder
  for folder in hadoop spark_jobs; do
    jars_stamp_is_current "$folder" && continue
    rm -rf "$folder/target"
    mvn -B -ntp -q -f "$folder/pom.xml" package
    digest "$folder/pom.xml" >"$folder/target/made-from"
  done
}

digest() { cat "$@" | sha256sum | cut -d' ' -f1; }
stamp_is() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }
jars_stamp_is_current() { stamp_is "$1/target/made-from" "$(digest "$1/pom.xml")"; }

# --- do what is left to do --------------------------------------------------------------------

unset PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME
wanted=$(missing "${1:-}")
if [ -n "$wanted" ]; then install_missing "$wanted" "${1:-}"; fi

environment=$(digest requirements.lock pyproject.toml)
jars=()
if ! jars_stamp_is_current hadoop || ! jars_stamp_is_current spark_jobs; then
  # Maven waits for the network most of its time: beside the Python environment it costs nothing.
  step "jars of HDFS and Spark (Maven)" make_jars &
  jars=($!)
fi
trap '[ ${#jars[@]} -eq 0 ] || kill "${jars[@]}" 2>/dev/null || true' EXIT
if ! stamp_is .venv/.made-from "$environment" || [ ! -x .venv/bin/python ]; then
  step "Python environment (.venv)" make_environment "$(find_python)"
  printf '%s\n' "$environment" >.venv/.made-from
fi
if [ ${#jars[@]} -gt 0 ]; then wait "${jars[@]}"; fi
jars=()
if [ $((SECONDS - STARTED)) -gt 2 ]; then say "installed after $((SECONDS - STARTED)) s"; fi
