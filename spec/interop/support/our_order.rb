# frozen_string_literal: true

# Who a configuration should make us, as boto3 says when it is asked about one source after the other: the order between the
# sources is ours, the order inside a profile boto3's.
class OurOrder
  WEB_IDENTITY = %w[AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME].freeze
  NO_FILES = { 'AWS_CONFIG_FILE' => '/dev/null', 'AWS_SHARED_CREDENTIALS_FILE' => '/dev/null' }.freeze
  # boto3's names for the sources that come after everything written down.
  MACHINE = %w[container-role iam-role].freeze

  # @param panel [Panel]
  # @param environment [Hash{String => String}] as {InteropEnvironment#prepare} gave it
  # @param profile [String, nil] as an option
  def initialize(panel, environment, profile)
    @panel = panel
    @environment = environment
    @profile = profile
  end

  # @return [String, nil] the principal; nil: we are to refuse
  def principal
    found = @panel.boto3(@environment.except(*WEB_IDENTITY), @profile)
    written_down = !found.nothing? && !MACHINE.include?(found.found_by)
    return found.principal if written_down
    return if @profile # that profile and nothing else
    return web_identity if @environment.key?('AWS_WEB_IDENTITY_TOKEN_FILE')

    found.principal
  end

  private

  # A token that is named and no good is a failure; nothing else is asked then.
  def web_identity
    names = %w[AWS_PROFILE AWS_DEFAULT_PROFILE AWS_CONTAINER_CREDENTIALS_FULL_URI]
    alone = @environment.except(*names).merge(NO_FILES, 'AWS_EC2_METADATA_DISABLED' => 'true')
    @panel.boto3(alone, nil).principal
  end
end
