# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # What the completion of each shell asks the program for, and how it shows that.
          #
          # @api private
          module CompletionScripts
            # bash splits words at `=`, and does not quote what is completed. Before version 4 it has no compopt.
            BASH = <<~'BASH'
              _lex_identity_aws() {
                local line
                COMPREPLY=()
                while IFS= read -r line; do
                  if [[ $line == :files ]]; then
                    compopt -o default 2>/dev/null
                  else
                    printf -v line %q "${line%%$'\t'*}"
                    COMPREPLY+=("$line")
                  fi
                done < <("${COMP_WORDS[0]}" completion candidates "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
              }
              complete -F _lex_identity_aws lex-identity-aws
            BASH
            # zsh has a meaning behind a colon, so that one in a word is escaped.
            ZSH = <<~'ZSH'
              #compdef lex-identity-aws
              _lex_identity_aws() {
                local line tab=$'\t'
                local -a found
                for line in "${(@f)$("$words[1]" completion candidates "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
                  if [[ $line == :files ]]; then
                    _files
                  elif [[ -n $line ]]; then
                    found+=("${${line%%$tab*}//:/\\:}:${${line#*$tab}#${line%%$tab*}}")
                  fi
                done
                (( $#found )) && _describe lex-identity-aws found
              }
              if [[ $funcstack[1] == _lex-identity-aws ]]; then _lex_identity_aws; else compdef _lex_identity_aws lex-identity-aws; fi
            ZSH
            # fish reads a meaning behind a tab, as the program prints it.
            FISH = <<~'FISH'
              function __lex_identity_aws
                set -l words (commandline -opc)
                set -l current (commandline -ct)
                set -l found ($words[1] completion candidates $words[2..-1] "$current" 2>/dev/null)
                if test "$found" = :files
                  __fish_complete_path "$current"
                else
                  printf '%s\n' $found
                end
              end
              complete -c lex-identity-aws -f -k -a '(__lex_identity_aws)'
            FISH
            # By the name of the shell.
            ALL = { 'bash' => BASH, 'zsh' => ZSH, 'fish' => FISH }.freeze
          end
        end
      end
    end
  end
end
