# Sourced by bin/setup: distribution packages, the only thing that is installed outside the checkout.

install_packages() {
  why=$1; shift
  is_debian || die "$why: install $* (names as in Debian) with the package manager of this system, then run bin/setup again."
  do_it "install the packages $* ($why)" apt_install "$@"
}

# The lists of a fresh machine are empty or old: they are updated only if the installation fails.
apt_install() {
  apt_quietly install --no-install-recommends "$@" 2>/dev/null && return
  apt_quietly update || die "Debian's package source cannot be reached (apt-get update failed), and $* is needed."
  apt_quietly install --no-install-recommends "$@" || die "apt-get could not install $*."
}

apt_quietly() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 "$@" >/dev/null; }

# The Debian archive in this machine's own lists; empty without one.
debian_mirror() {
  mirror=$(first_debian_target)
  [ -n "$mirror" ] || { apt_quietly update && mirror=$(first_debian_target); }
  [ -n "$mirror" ] || die "no Debian archive among this machine's package sources (apt-get indextargets)."
  printf '%s\n' "$mirror"
}

first_debian_target() {
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | sed -n 's/^Debian|Debian|//p' | head -n 1
}
