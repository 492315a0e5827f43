# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # Which versions of LegionIO this Ruby has.
          #
          # @api private
          module Installed
            # @return [Array<String>] versions of the gem `legionio`; none where RubyGems is not loaded
            def self.versions
              return [] unless defined?(::Gem::Specification)

              ::Gem::Specification.find_all_by_name('legionio').map { |spec| spec.version.to_s }
            rescue ::StandardError => _e # a damaged gem specification; RubyGems reports it
              []
            end
          end
        end
      end
    end
  end
end
