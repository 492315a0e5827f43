# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        # The base class of this gem's errors. The message says what happened, what was tried and what to do next. Neither it nor any
        # attribute holds a secret.
        class Error < ::StandardError
          # @return [String, nil] the service's error code, such as `AccessDenied`
          attr_reader :code
          # @return [Integer, nil] HTTP status of the response, if there was one
          attr_reader :status
          # @return [String, nil] the service's request id, for a support case
          attr_reader :request_id
          # @return [Array<Hash>] the providers that were tried before it failed, in order: `source`, `outcome` ("found", "absent" or
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

          # Whether it may pass by itself: a time-out, throttling, a 5xx, no connection. During an outage the last good answer may be
          # served; after a refusal it never is.
          #
          # @return [Boolean]
          def outage? = @outage
        end

        # An option, a setting, an environment variable or a profile is wrong or incomplete.
        class ConfigurationError < Error; end

        # A setting still holds an `env://`, `vault://` or `lease://` reference that LegionIO has not resolved.
        class NotReadyError < ConfigurationError; end

        # A provider is configured or present, and gave no credentials.
        class NoCredentialsError < Error; end

        # No provider is configured, and the instance metadata service (IMDS) is disabled, refuses or does not answer.
        class NotOnAwsError < NoCredentialsError; end

        # AWS refused the request.
        class AccessDeniedError < Error; end

        # AWS throttled the request.
        class ThrottledError < Error; end

        # AWS returned another error, or a response that cannot be read.
        class ServiceError < Error; end

        # No connection to AWS could be made, or the process has no room for another request.
        class ConnectionError < Error; end

        # The deadline passed before AWS answered.
        class TimeoutError < Error; end

        # A defect of this gem. The next call works.
        class InternalError < Error; end
      end
    end
  end
end
