# frozen_string_literal: true

require 'rbconfig'

module Legion
  module Extensions
    module Identity
      module Aws
        # What the public classes are built on. Not for callers: it may change with every release.
        #
        # @api private
        module Internal
          # The binding to the Rust core, defined in ext/lex_identity_aws; the public classes of {Aws} are built on it.
          #
          # @api private
          module Native
            # Finds the compiled library and loads it. Every failure is raised as a LoadError that says what to do, because LegionIO rescues
            # nothing else while it loads extensions of phase 0.
            #
            # @api private
            module Library
              # The library's file, without extension.
              NAME = 'lex_identity_aws'

              # The folder of the public classes.
              FOLDER = ::File.dirname(__dir__.to_s)

              # A platform gem has one library for each Ruby it was built for; a source build has one in that folder and, RubyGems
              # willing, one more in the folder for extensions, which only a plain `require` finds.
              PLACES = {
                # Unlike `require` it does not ask RubyGems.
                "#{FOLDER}/#{RUBY_VERSION[/\d+\.\d+/]}/#{NAME}" => :require_relative,
                "#{FOLDER}/#{NAME}"                             => :require_relative,
                "legion/extensions/identity/aws/#{NAME}"        => :require
              }.freeze

              # What to do, by what the system's loader says.
              REMEDIES = [
                [/GLIBC(XX)?_[\d.]+/,
                 "This system's C library is older than the precompiled gem needs. Build it here: gem install lex-identity-aws --platform ruby"],
                [/incompatible library version|undefined symbol: _?(rb|ruby|Ruby)/,
                 'It was built for another Ruby. Build it again: gem pristine lex-identity-aws'],
                # "cannot open" of a file that exists: all that a Linux loader says of a library for another processor.
                [/invalid ELF|ELF class|file too short|cannot read file data|#{NAME}\.\w+: cannot open shared object|mach-o|incompatible arch|exec format/i,
                 'The file is damaged or made for another machine. Install the gem again on this one'],
                [/permission denied|failed to map|operation not permitted/i,
                 'The file may not be read or executed here. Check its mode, and whether its disk is mounted noexec']
              ].freeze

              # What to do about everything else.
              BUILD_IT = 'In a checkout run: rake compile. For an installed gem: gem pristine lex-identity-aws ' \
                         '(a source build needs Rust 1.94.1 or newer, libclang and a C compiler)'

              # A LoadError with its cause and its remedy apart, as the doctor shows them.
              module Explained
                # @return [String] what happened
                attr_reader :what
                # @return [String] what to do
                attr_reader :remedy
              end

              class << self
                # @raise [LoadError]
                # @return [void]
                def load
                  require_first unless Native.const_defined?(:Session, false)
                  check_version
                end

                private

                def require_first
                  first = nil
                  PLACES.each do |path, verb|
                    check_file(file(path))
                    return send(verb, path)
                  rescue ::Exception => e # rubocop:disable Lint/RescueException -- every failure leaves as a LoadError
                    raise if e.is_a?(::SignalException) || e.is_a?(::SystemExit)

                    first ||= e unless missing?(e, path)
                    break if cut_off?(file(path)) # the copy in RubyGems' folder is likely to be cut off too, and cannot be checked before it is loaded
                  end
                  raise explained(first), cause: first
                end

                def file(path) = "#{::File.expand_path(path, FOLDER)}.#{::RbConfig::CONFIG['DLEXT']}"

                # Ruby reports a file that may not be read as missing, and a truncated one ends the process with a bus error.
                def check_file(path)
                  return unless ::File.file?(path)
                  raise ::LoadError, "#{path}: permission denied" unless ::File.readable?(path)
                  raise ::LoadError, "#{path}: file too short" if cut_off?(path)
                end

                # A 64-bit ELF library ends with its section table, whose offset and size are in the header.
                def cut_off?(path)
                  header = ::File.file?(path) && ::File.readable?(path) ? ::File.binread(path, 64).to_s : ''
                  return false unless header.start_with?("\x7FELF\x02".b) && header.bytesize == 64

                  start, length, count = header.unpack('x40 Q x10 S2').map(&:to_i)
                  start.to_i + (length.to_i * count.to_i) > ::File.size(path)
                end

                # The LoadError of a require names the path only if no file was found.
                def missing?(error, path) = error.is_a?(::LoadError) && error.path.to_s.end_with?(path)

                def explained(first)
                  return error("#{heading} was not found for Ruby #{RUBY_VERSION} on #{RUBY_PLATFORM}.", BUILD_IT) unless first

                  remedy = REMEDIES.find { |pattern, _| pattern.match?(first.message) }&.last || BUILD_IT
                  error("#{heading} cannot be loaded into Ruby #{RUBY_VERSION} on #{RUBY_PLATFORM}: " \
                        "#{first.class}: #{first.message.strip.delete_suffix('.')}.", remedy)
                end

                # Files and library of two releases would fail later, with an error that does not name the cause.
                def check_version
                  found = Native.const_defined?(:VERSION, false) ? Native::VERSION : 'unknown'
                  return if found == Aws::VERSION

                  raise error("#{heading} is of version #{found}, and the Ruby files around it are of version #{Aws::VERSION}.", BUILD_IT)
                end

                def error(what, remedy)
                  error = ::LoadError.new("#{what} #{remedy}.").extend(Explained)
                  { :@what => what, :@remedy => "#{remedy}." }.each { |name, value| error.instance_variable_set(name, value) }
                  error
                end

                def heading = "The native library of lex-identity-aws #{Aws::VERSION}"
              end
            end
            private_constant :Library

            Library.load
          end
        end
      end
    end
  end
end
