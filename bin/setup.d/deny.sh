# Sourced by bin/setup: cargo-deny, which checks the crates in the gem. No distribution packages it.

cargo_deny=0.20.2

need_deny() {
  cargo deny --version >/dev/null 2>&1 && return # already installed
  [ -x ".local/cargo-deny-$cargo_deny/bin/cargo-deny" ] && return
  do_it "compile cargo-deny $cargo_deny into .local (a few minutes)" compile_deny
}

# Unoptimized: it takes minutes to compile and a second to run.
compile_deny() {
  CARGO_PROFILE_DEV_DEBUG=none CARGO_TARGET_DIR=.local/cargo-deny-build \
    cargo install --quiet --locked --debug --root ".local/cargo-deny-$cargo_deny" "cargo-deny@$cargo_deny" || die 'crates.io does not give cargo-deny, or it does not compile.'
  rm -rf .local/cargo-deny-build
}
