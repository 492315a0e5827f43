# frozen_string_literal: true

require 'json'
require 'open3'
require 'rbconfig'
require_relative '../../support/moto'
require_relative 'sdks'

# A place where AWS code runs, with its real addresses and names, in a private network name space.
class Place
  Outcome = Struct.new(:key, :refused, :message, :seconds, :hosts, keyword_init: true) do
    def works? = !key.nil?
    def to_s = works? ? format('works, %.1f s', seconds) : format('fails, %.1f s', seconds)
  end

  FOLDER = File.expand_path('place', __dir__)
  LIB    = File.expand_path('../../../lib', __dir__)
  UNSHARE = %w[unshare -m -n].freeze
  # boto3 reads the second variable.
  REGION = { 'AWS_REGION' => 'us-east-1', 'AWS_DEFAULT_REGION' => 'us-east-1' }.freeze
  # The container's endpoint and token of EKS Pod Identity in the local AWS.
  POD = REGION.merge('AWS_CONTAINER_CREDENTIALS_FULL_URI' => 'http://169.254.170.23/v1/credentials',
                     'AWS_CONTAINER_AUTHORIZATION_TOKEN'  => 'eks-pod-identity-token-of-the-local-AWS').freeze
  IRSA = REGION.merge('AWS_ROLE_ARN'                => 'arn:aws:iam::123456789012:role/irsa-app',
                      'AWS_WEB_IDENTITY_TOKEN_FILE' => 'written by the machine', 'AWS_ROLE_SESSION_NAME' => 'places').freeze
  AGENT = { '169.254.170.23:80' => 0 }.freeze
  STS   = { '10.99.0.1:443' => 0 }.freeze
  IMDS  = { '169.254.169.254:80' => 0 }.freeze

  class << self
    # @return [String, nil] why there are no private name spaces here
    def impossible
      return @impossible if defined?(@impossible)

      output, status = Open3.capture2e(*UNSHARE, 'sh', '-c', 'ip link set lo up && mount -t tmpfs none /sys/class')
      @impossible = status.success? ? nil : "there is no private network name space here (#{output.strip})"
    rescue SystemCallError => e
      @impossible = "there is no private network name space here (#{e.message})"
    end

    # @return [Hash{Symbol => Array}] the command and the load path of each client that is here
    def clients
      sdk = Sdks.all.last
      python = File.join(Moto::FOLDER, 'python')
      { ours:  [[RbConfig.ruby, '-I', LIB, "#{FOLDER}/ours.rb"], ENV.fetch('RUBYLIB', nil)],
        boto3: ([[python, "#{FOLDER}/boto3_client.py"], nil] if File.executable?(python)),
        sdk:   ([[RbConfig.ruby, "#{FOLDER}/sdk.rb"], sdk.rubylib] if sdk) }.compact
    end
  end

  attr_reader :name, :report

  def initialize(name, report: nil, **what)
    @name = name
    @report = report
    @what = what
  end

  # @return [Outcome]
  def ask(client)
    command, rubylib = self.class.clients.fetch(client)
    place = JSON.generate({ **@what, client: command, rubylib: rubylib })
    output, error, = Open3.capture3(*UNSHARE, RbConfig.ruby, "#{FOLDER}/machine.rb", place)
    raise "#{name}: #{error}" if output.empty?

    Outcome.new(**JSON.parse(output, symbolize_names: true).slice(*Outcome.members))
  end
end
