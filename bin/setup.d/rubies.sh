# Sourced by bin/setup: the Rubies of packaging/native_rubies.rb beside a distribution's other one. A user's own Ruby of a series is
# used; otherwise those that Debian has are installed into a Debian testing root below .local, in which bin/with-ruby runs commands.

rubies=.local/rubies
# Debian testing has the newest libclang; older ones cannot parse the headers of a Ruby built with a new GCC.
root_packages='gcc libc6-dev make libclang-dev'

native_rubies() { sed -n 's/^ *SERIES = %w\[\(.*\)\].*/\1/p' packaging/native_rubies.rb; } # `--print` may be without a Ruby

own_ruby() { has ruby && [ "$(ruby -e 'print RUBY_VERSION[/\d+\.\d+/]')" = "$1" ]; }

# need_rubies VERSION... : all by default
need_rubies() {
  for version in ${*:-$(native_rubies)}; do own_ruby "$version" || { need_root; break; }; done
}

need_root() {
  [ -e "$rubies/root/complete" ] && return
  is_debian || die "Ruby $version is needed here, and only on Debian can it be put beside another one: put it into PATH."
  [ "$(id -u)" = 0 ] || die "the Debian root for Ruby $version needs root (chroot): run as root, or put a Ruby $version into PATH."
  has debootstrap || install_packages 'makes the Debian root for the Rubies' debootstrap
  has git || install_packages 'tells what belongs to the checkout' git
  do_it "make a Debian testing root with those of Ruby $(native_rubies) that Debian has, in $rubies/root" make_root
}

make_root() {
  mirror=$(debian_mirror) || exit 1
  root=$PWD/$rubies/root
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  log=$PWD/$rubies/root.log
  debootstrap --variant=minbase --include=ca-certificates testing "$root" "$mirror" >"$log" 2>&1 ||
    die "debootstrap failed: $(tail -n 1 "$log") (all of it in $log)"
  # Debian testing may not have the newest Rubies yet; apt takes them from the first archive that has them.
  printf 'deb [check-valid-until=no] %s %s main\n' "$mirror" testing "$mirror" unstable "$mirror" experimental >"$root/etc/apt/sources.list"
  # This machine's settings for its package source, such as proxies, are used inside too.
  apt-config dump Acquire >"$root/etc/apt/apt.conf.d/90host"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null || true
  bin/with-ruby 3.4 --root "$root" sh -ec "export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    packages='$root_packages' found=
    for version in $(native_rubies); do
      apt-cache show ruby\$version >/dev/null 2>&1 || continue
      found=\"\$found \$version\" packages=\"\$packages ruby\$version ruby\$version-dev\"
    done
    apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends \$packages
    for version in \$found; do
      mkdir -p /opt/ruby\$version/bin
      for name in ruby gem rake irb erb; do ln -sf /usr/bin/\$name\$version /opt/ruby\$version/bin/\$name; done
    done
    apt-get clean" >>"$log" 2>&1 || die "the Rubies could not be installed into the root: $(tail -n 1 "$log") (all of it in $log)"
  touch "$root/complete"
}

# The linters of LegionIO run on Ruby 3.4 alone, and so does LegionIO.
need_lint()     { need_rubies 3.4; need_gems_for lint dev 'rake rubocop rubocop-legion rbs steep yard rb_sys'; }
# A folder for each part: LegionIO loads every lex gem it finds, so each boot gets only those it tests.
need_legionio() {
  need_rubies 3.4
  need_gems_for legionio legionio legionio
  need_gems_for siblings siblings 'lex-identity lex-identity-entra lex-identity-kerberos lex-identity-system'
  need_gems_for consumers consumers 'lex-bedrock lex-llm-bedrock aws-sdk-sts'
  need_gems_for peer peer lex-identity-aws:0.1.0
}

# need_gems_for FOLDER GROUPS NAMES : into .local/rubies/FOLDER, as groups of the folder LEX_GEMS, else by name from RubyGems.
need_gems_for() {
  home=$PWD/$rubies/$1
  if [ -n "${LEX_GEMS:-}" ]; then
    # shellcheck disable=SC2086 # lists of words
    do_it "install the gems of $2 from $LEX_GEMS into $rubies/$1" bin/with-ruby 3.4 "$LEX_GEMS/install" "$home" $2
  elif rubygems_reached; then
    # shellcheck disable=SC2086
    do_it "install $3 from RubyGems into $rubies/$1" bin/with-ruby 3.4 gem install --no-document --conservative --install-dir "$home" $3
  else
    die "RubyGems cannot be reached and LEX_GEMS names no folder of gems: $3 cannot be had."
  fi
}
