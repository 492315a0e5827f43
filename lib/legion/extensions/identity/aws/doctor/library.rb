# frozen_string_literal: true

require_relative 'finding'

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          # The native library: is it loaded, and if not, what lies about in its place.
          #
          # @api private
          class Library
            # A library of ours, whatever Ruby or system it was built for.
            PATTERN = '{,*/}lex_identity_aws.{so,bundle,dll}'
            FALLBACK = 'Install the gem again on this machine: gem install lex-identity-aws'
            private_constant :PATTERN, :FALLBACK

            # @param error [LoadError, nil] what loading it raised
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
              message = error.message.strip
              remedy = remedies.find { |words| message.include?(words) }
              what = remedy ? message.sub(remedy, '').sub(/[\s.]+\z/, '.') : message
              Finding.of('library', 'native library', what, status: :fail, remedy: "#{remedy || FALLBACK}.", found: found.join(', '))
            end

            # What the loader itself says to do.
            def remedies
              return [] unless Aws.const_defined?('Internal::Native', false) && Internal::Native.const_defined?(:Library, false)

              library = Internal::Native.const_get(:Library, false)
              [*library::REMEDIES.map(&:last), library::BUILD_IT]
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
            rescue ::LoadError, ::SystemCallError, ::NameError => _e # not everywhere is glibc
              nil
            end

            def found = ::Dir.glob(PATTERN, base: ::File.dirname(__FILE__, 2))

            def installed
              return [] unless defined?(::Gem::Specification)

              ::Gem::Specification.find_all_by_name('lex-identity-aws').map { |spec| "#{spec.version} #{spec.platform}" }
            rescue ::StandardError => _e # a damaged specification is RubyGems' to complain of
              []
            end
          end
        end
      end
    end
  end
end
