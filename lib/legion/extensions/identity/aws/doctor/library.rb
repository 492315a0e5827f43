# frozen_string_literal: true

require_relative 'finding'

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          # The native library: whether it is loaded, and if not, why, and which library files there are.
          #
          # @api private
          class Library
            # The library's file, for any Ruby and system.
            PATTERN = '{,*/}lex_identity_aws.{so,bundle,dll}'
            FALLBACK = 'Install the gem again on this machine: gem install lex-identity-aws.'
            private_constant :PATTERN, :FALLBACK

            # @param error [LoadError, nil] what loading it raised; a {Internal::Native::Library::Explained} has its own remedy
            def initialize(error)
              @error = error
            end

            # @return [Array<Finding>]
            def findings = [library, ruby]

            private

            def library
              error = @error
              return broken(error) if error

              path = $LOADED_FEATURES.find { |feature| ::File.basename(feature, '.*') == 'lex_identity_aws' }
              Finding.of('library', 'native library', "#{Internal::Native::VERSION} from #{path}", version: Internal::Native::VERSION, path: path)
            end

            def broken(error)
              what, remedy = error.respond_to?(:remedy) ? [error.what, error.remedy] : [error.message.strip, FALLBACK]
              Finding.of('library', 'native library', what, status: :fail, remedy: remedy, found: found.join(', '))
            end

            def ruby
              what = ["Ruby #{RUBY_VERSION} on #{RUBY_PLATFORM}", libc, "gem files #{Aws::VERSION}", ("libraries there: #{found.join(', ')}" if found.any?),
                      ("installed: #{installed.join(', ')}" if installed.any?)].compact.join('; ')
              Finding.of('library', 'surroundings', what, ruby: RUBY_VERSION, platform: RUBY_PLATFORM, libc: libc, gem_version: Aws::VERSION,
                                                          installed: installed.join(', '))
            end

            def libc
              require 'etc'
              ::Etc.confstr(::Etc::CS_GNU_LIBC_VERSION)
            rescue ::LoadError, ::SystemCallError, ::NameError => _e # the C library is not glibc
              nil
            end

            def found = ::Dir.glob(PATTERN, base: ::File.dirname(__FILE__, 2))

            def installed
              return [] unless defined?(::Gem::Specification)

              ::Gem::Specification.find_all_by_name('lex-identity-aws').map { |spec| "#{spec.version} #{spec.platform}" }
            rescue ::StandardError => _e # a damaged gem specification; RubyGems reports it
              []
            end
          end
        end
      end
    end
  end
end
