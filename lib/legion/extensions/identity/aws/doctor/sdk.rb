# frozen_string_literal: true

require_relative '../internal/lazy'
require_relative '../internal/redacted'
require_relative 'finding'

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          # Whether clients of aws-sdk-ruby use these credentials, where {Aws.default_for_sdk} or the setting `sdk_default` asks for it.
          #
          # @api private
          class Sdk
            # @return [Array<Finding>]
            def findings
              problem = default.problem
              return [Finding.of('sdk', 'default', problem, status: :warn, remedy: REMEDY)] if problem

              default.wanted? ? [Finding.of('sdk', 'default', in_place)] : []
            end

            REMEDY = 'Give each client credentials: a Session, or take default_for_sdk or the setting sdk_default away.'
            private_constant :REMEDY

            private

            def default = Internal::Lazy.load(Internal, :SdkDefault)

            def in_place
              session = default.session
              # What another class prints may be a secret.
              shown = session.is_a?(Internal::Redacted) ? session.inspect : session.class
              "clients of aws-sdk-core #{default.version} that are given no credentials use those of #{shown}"
            end
          end
        end
      end
    end
  end
end
