# Sourced by bin/setup: the gems of the development tools. Bundler where RubyGems can be reached; else the same gems as
# Debian packages them, unpacked below .local, so that neither the system nor the user's gems change.

debs=.local/debs
# rb_sys builds the native library; RSpec runs the specs; the AWS SDK for Ruby uses our credentials in them.
debian_gems='ruby-rb-sys ruby-rake-compiler-dock
  ruby-rspec-core ruby-rspec-expectations ruby-rspec-mocks ruby-rspec-support ruby-diff-lcs
  ruby-aws-sdk-core ruby-aws-eventstream ruby-aws-partitions ruby-aws-sigv4 ruby-jmespath'

need_gems() {
  if ! has ruby; then # --print on a machine that has no Ruby yet
    say 'would install the development gems: with Bundler into .local/bundle, or unpacked from Debian testing into .local/debs'
    return
  fi
  stamp="$(cksum Gemfile lex-identity-aws.gemspec bin/setup.d/gems.sh | cksum) $(ruby -e 'print RbConfig.ruby, " ", RUBY_VERSION') ${LEX_RUBYGEMS:-}"
  [ "$(cat .local/gems.stamp 2>/dev/null)" = "$stamp" ] && return
  if rubygems_reached; then bundle_install; source_of_gems=bundler
  else unpack_debian_gems; source_of_gems=debian
  fi
  [ "$print_only" = yes ] && return
  mkdir -p .local
  printf '%s\n' "$source_of_gems" >.local/gems
  printf '%s\n' "$stamp" >.local/gems.stamp
}

# LEX_RUBYGEMS=yes or no replaces the test, which is made once a run and takes 5 seconds at most.
rubygems_reached() {
  if [ -z "${rubygems:-}" ]; then
    case ${LEX_RUBYGEMS:-} in
      yes | no) rubygems=$LEX_RUBYGEMS ;;
      *) if ruby bin/setup.d/rubygems_reached.rb; then rubygems=yes; else rubygems=no; fi ;;
    esac
    [ "$rubygems" = yes ] || say 'Without RubyGems: the gems are those of Debian.'
  fi
  [ "$rubygems" = yes ]
}

bundle_install() {
  if ! has bundle; then
    [ "$(command -v ruby)" = /usr/bin/ruby ] && is_debian || die "Bundler is missing: run \`gem install bundler\`."
    install_packages 'Bundler installs the development gems' bundler
  fi
  do_it 'install the development gems into .local/bundle' bundle_locally
}

bundle_locally() {
  bundle config set --local path .local/bundle >/dev/null
  BUNDLE_SILENCE_ROOT_WARNING=1 bundle install --quiet
}

unpack_debian_gems() {
  is_debian || die "RubyGems cannot be reached, and only on Debian are its packages a substitute: make RubyGems reachable (or set LEX_RUBYGEMS=yes)."
  # shellcheck disable=SC2086 # a list of words
  do_it "unpack rb_sys, RSpec and the AWS SDK for Ruby from Debian testing into $debs" unpack_from_testing "$debs" $debian_gems
}

# unpack_from_testing FOLDER PACKAGE... : architecture-independent packages, without installing anything.
unpack_from_testing() {
  folder=$1; shift
  testing_apt
  rm -rf .local/apt/debs "$folder.new"
  mkdir -p .local/apt/debs "$folder.new"
  (cd .local/apt/debs && apt-get -c ../apt.conf -qq download "$@" >/dev/null) || die "Debian testing does not give $*."
  for deb in .local/apt/debs/*.deb; do dpkg -x "$deb" "$folder.new"; done
  rm -rf .local/apt/debs "$folder"
  mv "$folder.new" "$folder"
}

# A separate apt configuration below .local with Debian testing; the machine's own is not changed.
testing_apt() {
  apt=$PWD/.local/apt
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/parts"
  # A snapshot mirror serves old Release files; their signature is checked all the same.
  mirror=$(debian_mirror) || exit 1
  printf 'deb [signed-by=%s check-valid-until=no] %s testing main\n' /usr/share/keyrings/debian-archive-keyring.gpg "$mirror" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<CONF
Dir::State "$apt/state";
Dir::State::status "/dev/null";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/parts";
Dir::Etc::preferencesparts "$apt/parts";
APT::Sandbox::User "$(id -un)";
CONF
  apt-get -c "$apt/apt.conf" -qq update >/dev/null 2>&1 || die "Debian's package source cannot be reached (testing, for rb_sys and RSpec)."
}
