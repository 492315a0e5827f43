# Sourced by bin/setup: Python environments for moto, boto3 and the AWS CLI, with which the specs compare our answers.

# moto_server needs flask; moto's own list for it (moto[server]) installs ten times as much.
python_packages='moto flask flask-cors boto3 awscli'

need_moto() {
  need_sdks
  [ "$(cat .local/moto/complete 2>/dev/null)" = "$python_packages" ] && return
  do_it "install $python_packages from PyPI into .local/moto" make_python_environment .local/moto "$python_packages"
}

# make_python_environment FOLDER PACKAGES : an incomplete environment is made again.
make_python_environment() {
  has python3 || install_packages 'what is packaged for Python needs one' python3 python3-venv
  rm -rf "$1"
  # Debian's python3 comes without venv.
  python3 -m venv "$1" >/dev/null 2>&1 || { install_packages 'each of these gets an environment of its own' python3-venv; python3 -m venv --clear "$1"; }
  # shellcheck disable=SC2086 # a list of words
  "$1/bin/pip" --quiet --disable-pip-version-check install $2 || die "PyPI cannot be reached, and $2 is taken from there."
  printf '%s\n' "$2" >"$1/complete"
}

# The AWS SDKs for Ruby with which the specs compare our answers.
need_sdks() {
  option=; [ "$print_only" = yes ] && option=--print
  spec/interop/setup $option
}
