# Sourced by bin/setup: the tools to build the platform gem: a linker for old C libraries.

# The versions are part of what is released.
zig_packages='ziglang==0.17.1 cargo-zigbuild==0.24.0'

need_native() {
  [ "$(uname -s)" = Linux ] || return 0 # elsewhere the system's own linker is used
  [ "$(cat .local/zig/complete 2>/dev/null)" = "$zig_packages" ] && return
  do_it "install $zig_packages from PyPI into .local/zig" make_python_environment .local/zig "$zig_packages"
}
