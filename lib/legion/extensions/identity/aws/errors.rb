# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        # What all errors of this gem have in common. The message says what happened, what was tried and what to do next; neither it
        # nor anything else here holds a secret.
        class Error < ::StandardError
          # @return [String, nil] the service's error code, such as `AccessDenied`
          attr_reader :code
          # @return [Integer, nil] HTTP status of the answer, where there was one
          attr_reader :status
          # @return [String, nil] the service's request id, for a support case
          attr_reader :request_id
          # @return [Array<Hash>] the sources that were asked before it failed, in order: `source`, `outcome` ("found", "absent" or
          #   "failed"), `reason`, `milliseconds`
          attr_reader :attempts
          # @api private
          # @return [Integer, nil] the number of the question that was not answered
          attr_reader :question

          # @param message [String, nil]
          # @param code [String, nil]
          # @param status [Integer, nil]
          # @param request_id [String, nil]
          # @param attempts [Array<Hash>]
          # @param outage [Boolean]
          def initialize(message = nil, code: nil, status: nil, request_id: nil, attempts: [], outage: false)
            super(message)
            @code = code
            @status = status
            @request_id = request_id
            @attempts = attempts
            @outage = outage
          end

          # True for what may pass by itself: a time-out, throttling, a 5xx, no connection. A good answer may be served through an
          # outage; through a refusal never.
          #
          # @return [Boolean]
          def outage? = @outage
        end

        # An option, a setting, an environment variable or a profile is wrong or incomplete.
        class ConfigurationError < Error; end

        # A setting still holds an `env://`, `vault://` or `lease://` reference that LegionIO has not resolved.
        class NotReadyError < ConfigurationError; end

        # Something says that this machine has credentials, and there are none to be had.
        class NoCredentialsError < Error; end

        # Nothing is configured, and the instance metadata service (IMDS) is disabled, refused or silent.
        class NotOnAwsError < NoCredentialsError; end

        # AWS answered, and refused.
        class AccessDeniedError < Error; end

        # AWS asked us to slow down.
        class ThrottledError < Error; end

        # AWS answered with another error, or with something that is no answer.
        class ServiceError < Error; end

        # AWS could not be reached at all.
        class ConnectionError < Error; end

        # No answer came inside the deadline.
        class TimeoutError < Error; end

        # A defect of this gem. The next call works.
        class InternalError < Error; end
      end
    end
  end
end
