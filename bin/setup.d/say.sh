# Sourced by bin/setup: prints messages and runs commands. With --print no command is run.

print_only=no

say() { printf '%s\n' "$*"; }
die() { printf 'bin/setup: %s\n' "$*" >&2; exit 1; }

# do_it WHY COMMAND... : prints why, then runs the command.
do_it() {
  why=$1; shift
  if [ "$print_only" = yes ]; then
    say "would $why"
  else
    say "==> $why"
    "$@"
  fi
}

has() { command -v "$1" >/dev/null 2>&1; }
is_debian() { has apt-get && has dpkg; }

# The same, as root: distribution packages are the only thing installed outside the checkout.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif has sudo; then sudo "$@"
  else die "root is needed for: $*"
  fi
}
