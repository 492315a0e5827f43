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
          # The Rust core as Ruby sees it. What it holds is defined in Rust; the public classes of {Aws} are built on it.
          #
          # @api private
          module Native
            # Finds the compiled library and loads it. Every failure is a LoadError that says what to do: in LegionIO's phase 0 anything
            # else would end the process.
            #
            # @api private
            module Library
              # Of the library, and of what it defines: see ext/lex_identity_aws.
              NAME = 'lex_identity_aws'

              # Where this gem's public files stand.
              FOLDER = ::File.dirname(__dir__)

              # A platform gem has one library for each Ruby it was built for; a source build has one in that folder and, RubyGems
              # willing, one more in the folder for extensions, which only a plain `require` finds.
              PLACES = {
                # Unlike `require` it does not ask RubyGems.
                "#{FOLDER}/#{RUBY_VERSION[/\d+\.\d+/]}/#{NAME}" => :require_relative,
                "#{FOLDER}/#{NAME}"                             => :require_relative,
                "legion/extensions/identity/aws/#{NAME}"        => :require
              }.freeze

              # What the loader's words mean for the user.
              REMEDIES = [
                [/GLIBC(XX)?_[\d.]+/,
                 "This system's C library is older than the precompiled gem needs. Build it here: gem install lex-identity-aws --platform ruby"],
                [/incompatible library version|undefined symbol: _?(rb|ruby|Ruby)/,
                 'It was built for another Ruby. Build it again: gem pristine lex-identity-aws'],
                # "cannot open", of a file that is there: a Linux loader that dislikes the processor says no more.
                [/invalid ELF|ELF class|file too short|cannot read file data|#{NAME}\.\w+: cannot open shared object|mach-o|incompatible arch|exec format/i,
                 'The file is damaged or made for another machine. Install the gem again on this one'],
                [/permission denied|failed to map|operation not permitted/i,
                 'The file may not be read or executed here. Check its mode, and whether its disk is mounted noexec']
              ].freeze

              # Where nothing better is known.
              BUILD_IT = 'In a checkout run: rake compile. For an installed gem: gem pristine lex-identity-aws ' \
                         '(a source build needs Rust 1.94.1 or newer, libclang and a C compiler)'

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
                  rescue ::Exception => e # rubocop:disable Lint/RescueException -- whatever it is, it must leave as a LoadError
                    raise if e.is_a?(::SignalException) || e.is_a?(::SystemExit)

                    first ||= e unless missing?(e, path)
                    break if cut_off?(file(path)) # the other copy of the same installation is likely to be no better, and cannot be looked at
                  end
                  raise ::LoadError, explanation(first), cause: first
                end

                def file(path) = "#{::File.expand_path(path, FOLDER)}.#{::RbConfig::CONFIG['DLEXT']}"

                # What Ruby does not say, and what it does not survive: it takes a file that may not be read for one that is not there, and
                # one that was cut off ends the process with a bus error.
                def check_file(path)
                  return unless ::File.file?(path)
                  raise ::LoadError, "#{path}: permission denied" unless ::File.readable?(path)
                  raise ::LoadError, "#{path}: file too short" if cut_off?(path)
                end

                # A 64-bit ELF library ends with the table of its sections, and its header says where that is and how long.
                def cut_off?(path)
                  header = ::File.file?(path) && ::File.readable?(path) ? ::File.binread(path, 64).to_s : ''
                  return false unless header.start_with?("\x7FELF\x02".b) && header.bytesize == 64

                  start, length, count = header.unpack('x40 Q x10 S2').map(&:to_i)
                  start.to_i + (length.to_i * count.to_i) > ::File.size(path)
                end

                # A require that found nothing names what it looked for; one that found a library and failed does not.
                def missing?(error, path) = error.is_a?(::LoadError) && error.path.to_s.end_with?(path)

                def explanation(first)
                  return "#{heading} was not found for Ruby #{RUBY_VERSION} on #{RUBY_PLATFORM}. #{BUILD_IT}." unless first

                  remedy = REMEDIES.find { |words, _| words.match?(first.message) }&.last || BUILD_IT
                  "#{heading} cannot be loaded into Ruby #{RUBY_VERSION} on #{RUBY_PLATFORM}: " \
                    "#{first.class}: #{first.message.strip.delete_suffix('.')}. #{remedy}."
                end

                # The Ruby files and the library are one release; a mixture would fail later and in worse words.
                def check_version
                  found = Native.const_defined?(:VERSION, false) ? Native::VERSION : 'unknown'
                  return if found == Aws::VERSION

                  raise ::LoadError, "#{heading} is of version #{found}, and the Ruby files around it are of version #{Aws::VERSION}. #{BUILD_IT}."
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
