# Sourced by bin/setup: Ruby 3.4 beside a distribution's older one. A user's own Ruby 3.4 or newer is used as it is; else
# a Debian testing root below .local gets one, and bin/with-ruby34 runs commands in it.

ruby34=.local/ruby34
# Debian testing has the newest libclang, which alone reads the headers of a Ruby built with a new GCC.
root_packages='ruby3.4 ruby3.4-dev gcc libc6-dev make libclang-dev'

own_ruby34() { has ruby && ruby -e 'exit RUBY_VERSION >= "3.4"'; }

need_ruby34() {
  own_ruby34 && return
  [ -e "$ruby34/root/complete" ] && return
  is_debian || die "Ruby 3.4 or newer is needed here, and only on Debian can it be put beside an older one: put it into PATH."
  [ "$(id -u)" = 0 ] || die 'the Debian root for Ruby 3.4 needs root (chroot): run as root, or put a Ruby 3.4 into PATH.'
  has debootstrap || install_packages 'makes the Debian root for Ruby 3.4' debootstrap
  has git || install_packages 'tells what belongs to the checkout' git
  do_it "make a Debian testing root with Ruby 3.4 in $ruby34/root" make_root
}

make_root() {
  mirror=$(debian_mirror) || exit 1
  root=$PWD/$ruby34/root
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  log=$PWD/$ruby34/root.log
  debootstrap --variant=minbase --include=ca-certificates testing "$root" "$mirror" >"$log" 2>&1 ||
    die "debootstrap failed: $(tail -n 1 "$log") (all of it in $log)"
  # Ruby 3.4 is where Debian keeps what its next release does not default to yet; apt takes it from the first that has it.
  printf 'deb [check-valid-until=no] %s %s main\n' "$mirror" testing "$mirror" unstable "$mirror" experimental >"$root/etc/apt/sources.list"
  # How this machine reaches its package source (proxies and the like) holds inside, too.
  apt-config dump Acquire >"$root/etc/apt/apt.conf.d/90host"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null || true
  # shellcheck disable=SC2086 # a list of words
  bin/with-ruby34 --root "$root" sh -ec "export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends $root_packages
    for name in ruby gem rake irb erb; do ln -sf /usr/bin/\${name}3.4 /usr/local/bin/\$name; done
    apt-get clean" >>"$log" 2>&1 || die "Ruby 3.4 could not be installed into the root: $(tail -n 1 "$log") (all of it in $log)"
  touch "$root/complete"
}

# The linters of LegionIO run on Ruby 3.4 alone, and so does LegionIO.
need_lint()     { need_ruby34; need_gems_for lint dev 'rake rubocop rubocop-legion rbs steep yard rb_sys'; }
# A folder for each part: LegionIO loads every lex gem it finds, so a boot is given only those it is about.
need_legionio() {
  need_ruby34
  need_gems_for legionio legionio legionio
  need_gems_for siblings siblings 'lex-identity lex-identity-entra lex-identity-kerberos lex-identity-system'
  need_gems_for consumers consumers 'lex-bedrock lex-llm-bedrock aws-sdk-sts'
  need_gems_for peer peer lex-identity-aws:0.1.0
}

# need_gems_for FOLDER GROUPS NAMES : into .local/ruby34/FOLDER, as groups of the folder LEX_GEMS, else by name from RubyGems.
need_gems_for() {
  home=$PWD/$ruby34/$1
  if [ -n "${LEX_GEMS:-}" ]; then
    # shellcheck disable=SC2086 # lists of words
    do_it "install the gems of $2 from $LEX_GEMS into $ruby34/$1" bin/with-ruby34 "$LEX_GEMS/install" "$home" $2
  elif rubygems_reached; then
    # shellcheck disable=SC2086
    do_it "install $3 from RubyGems into $ruby34/$1" bin/with-ruby34 gem install --no-document --conservative --install-dir "$home" $3
  else
    die "RubyGems cannot be reached and LEX_GEMS names no folder of gems: $3 cannot be had."
  fi
}
