# frozen_string_literal: true

require_relative '../version'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Says why the native library cannot be loaded, and what to do. Needed, and loaded, only where that is so.
          #
          # @api private
          module LibraryError
            # What to do, by what the system's loader says.
            REMEDIES = [
              [/GLIBC(XX)?_[\d.]+/,
               "This system's C library is older than the precompiled gem needs. Build it here: gem install lex-identity-aws --platform ruby"],
              [/incompatible library version|undefined symbol: _?(rb|ruby|Ruby)/,
               'It was built for another Ruby. Build it again: gem pristine lex-identity-aws'],
              # "cannot open" of a file that exists: all that a Linux loader says of a library for another processor.
              [/invalid ELF|ELF class|file too short|cannot read file data|aws\.\w+: cannot open shared object|mach-o|incompatible arch|exec format/i,
               'The file is damaged or made for another machine. Install the gem again on this one'],
              [/permission denied|failed to map|operation not permitted/i,
               'The file may not be read or executed here. Check its mode, and whether its disk is mounted noexec']
            ].freeze

            # What to do about everything else.
            BUILD_IT = 'In a checkout run: rake compile. For an installed gem: gem pristine lex-identity-aws ' \
                       '(a source build needs Rust 1.94.1 or newer, libclang and a C compiler)'
            private_constant :REMEDIES, :BUILD_IT

            # A LoadError with its cause and its remedy apart, as the doctor shows them.
            module Explained
              # @return [String] what happened
              attr_reader :what
              # @return [String] what to do
              attr_reader :remedy
            end

            class << self
              # @param failure [Exception, nil] what loading it raised; nil where no file was found
              # @return [LoadError]
              def not_loaded(failure)
                return error("#{heading} was not found for Ruby #{RUBY_VERSION} on #{RUBY_PLATFORM}.", BUILD_IT) unless failure

                remedy = REMEDIES.find { |pattern, _| pattern.match?(failure.message) }&.last || BUILD_IT
                error("#{heading} cannot be loaded into Ruby #{RUBY_VERSION} on #{RUBY_PLATFORM}: " \
                      "#{failure.class}: #{failure.message.strip.delete_suffix('.')}.", remedy)
              end

              # @param found [String] the library's version
              # @return [LoadError]
              def of_another_version(found)
                error("#{heading} is of version #{found}, and the Ruby files around it are of version #{Aws::VERSION}.", BUILD_IT)
              end

              private

              def error(what, remedy)
                error = ::LoadError.new("#{what} #{remedy}.").extend(Explained)
                { :@what => what, :@remedy => "#{remedy}." }.each { |name, value| error.instance_variable_set(name, value) }
                error
              end

              def heading = "The native library of lex-identity-aws #{Aws::VERSION}"
            end
          end
        end
      end
    end
  end
end
