# Sourced by bin/setup: Ruby, its headers, a C compiler, libclang, and Rust, which must be installed already.

preflight=ext/lex_identity_aws/preflight.rb

need_toolchain() {
  if ! has ruby; then
    install_packages 'Ruby 3.1 or newer runs everything' ruby ruby-dev
    [ "$print_only" = yes ] && { say 'would install what a build then lacks: gcc, libc6-dev and make, libclang-dev'; return; }
  fi
  ruby -e 'exit RUBY_VERSION >= "3.1"' ||
    die "$(command -v ruby) is Ruby $(ruby -e 'print RUBY_VERSION'), 3.1 or newer is needed: put a newer one into PATH."

  missing=$(ruby "$preflight" --pieces || true)
  case $missing in
    *platform*) stop_for_preflight platform ;;
    # Rust first: without it no build can start, and nothing is downloaded.
    *rust*) stop_for_preflight rust ;;
  esac
  # The rake tasks call cargo themselves.
  folder=$(ruby "$preflight" --rust-folder)
  [ -z "$folder" ] || die "the Rust to build with is in $folder: put this folder first in PATH."
  [ -z "$missing" ] && return
  for piece in $missing; do
    case $piece in
      compiler) install_packages 'cargo links with a C compiler' gcc libc6-dev make ;;
      headers)  [ "$(command -v ruby)" = /usr/bin/ruby ] && install_packages "Ruby's headers" ruby-dev ;;
      libclang) install_packages "bindgen reads Ruby's headers with libclang" libclang-dev ;;
    esac
  done
  [ "$print_only" = yes ] || [ -z "$(ruby "$preflight" --pieces || true)" ] || stop_for_preflight
}

stop_for_preflight() { # of all parts, or the given ones
  ruby "$preflight" "$@" || exit 1
}
