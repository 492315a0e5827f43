# Sourced by bin/setup: the shells whose completion and quoting the specs try. Without one its examples are skipped.

need_shells() {
  missing=
  for shell in bash dash fish zsh; do has "$shell" || missing="$missing $shell"; done
  # shellcheck disable=SC2086 # a list of words
  [ -z "$missing" ] || install_packages 'shells that the specs try' $missing
}
