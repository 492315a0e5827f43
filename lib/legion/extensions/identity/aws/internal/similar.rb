# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # The name that was probably meant.
          #
          # @api private
          module Similar
            # @param name [String]
            # @param names [Array<String>] those there are
            # @return [String, nil] nil too where Ruby runs without did_you_mean
            def self.to(name, names)
              ::DidYouMean::SpellChecker.new(dictionary: names).correct(name).first if defined?(::DidYouMean::SpellChecker)
            end
          end
        end
      end
    end
  end
end
