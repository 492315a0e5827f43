# Sourced by bin/setup: moto, boto3 and the AWS CLI, which our answers are compared with, in an environment of their own.

# flask is what moto_server serves with; moto's own list for it (moto[server]) brings ten times as much.
python_packages='moto flask flask-cors boto3 awscli'

need_moto() {
  need_sdks
  [ -e .local/moto/complete ] && return
  has python3 || install_packages 'moto is written in Python' python3 python3-venv
  do_it "install $python_packages from PyPI into .local/moto" make_python_environment
}

make_python_environment() {
  rm -rf .local/moto
  # Debian's python3 comes without venv.
  python3 -m venv .local/moto >/dev/null 2>&1 || { install_packages 'moto gets an environment of its own' python3-venv; python3 -m venv --clear .local/moto; }
  # shellcheck disable=SC2086 # a list of words
  .local/moto/bin/pip --quiet --disable-pip-version-check install $python_packages || die 'PyPI cannot be reached, and moto is taken from there.'
  touch .local/moto/complete
}

# The AWS SDKs for Ruby that are compared with us.
need_sdks() {
  option=; [ "$print_only" = yes ] && option=--print
  spec/interop/setup $option
}
