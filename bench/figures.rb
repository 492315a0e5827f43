# frozen_string_literal: true

# What is measured, in the order of the table, and in whose favour.
module Figures
  Figure = Struct.new(:key, :title, :unit, :better, keyword_init: true) do
    def title_for(crowd) = format(title, crowd: crowd)

    # How many times better ours is; nil where that is no number.
    def ratio(ours, theirs)
      worse, best = better == :less ? [theirs, ours] : [ours, theirs]
      worse / best.to_f if worse.is_a?(Numeric) && best.is_a?(Numeric) && best.nonzero?
    end
  end

  def self.less(key, title, unit) = Figure.new(key: key, title: title, unit: unit, better: :less)
  def self.more(key, title, unit) = Figure.new(key: key, title: title, unit: unit, better: :more)
  private_class_method :less, :more

  ALL = [
    less(:require, 'require', 'ms'),
    less(:first, 'first identity, require not counted', 'ms'),
    less(:boot, 'require and first identity', 'ms'),
    less(:first_tls, 'first identity over TLS, require not counted', 'ms'),
    less(:again, 'identity, asked again', 'µs'),
    less(:lease, 'lease, asked again', 'µs'),
    less(:role, 'credentials of a role, first fetch', 'ms'),
    less(:read, 'reading held credentials', 'µs'),
    less(:memory_loaded, 'memory added by require', 'MiB'),
    less(:memory_used, 'memory added by require and first identity', 'MiB'),
    less(:memory_own_used, 'the same, without what processes share', 'MiB'),
    more(:reads, '64 threads reading during a refresh, under 5 min left', 'reads/s'),
    more(:reads_ahead, '64 threads reading during a refresh ahead of time', 'reads/s'),
    less(:p999, 'such a read (under 5 min left), 99.9th percentile', 'µs'),
    more(:progress, "another thread's progress while STS stalls", '%'),
    less(:crowd, '%<crowd>d processes at once, same role: until the last has it', 's'),
    less(:crowd_requests, '%<crowd>d processes at once: AssumeRole requests', ''),
    less(:identity_token, 'identity token of STS, first fetch', 'ms'),
    less(:identity_token_again, 'identity token of STS, asked again', 'µs'),
    less(:token_eks, 'presigned token for EKS', 'µs'),
    less(:token_rds, 'presigned token for RDS', 'µs'),
    less(:clients, '40 calls of aws-sdk-ruby, a new client each (IRSA)', 'ms'),
    less(:clients_requests, '40 such calls: AssumeRoleWithWebIdentity requests', ''),
    less(:off_aws_disabled, 'off AWS, IMDS disabled', 'ms'),
    less(:off_aws_refused, 'off AWS, connection refused', 'ms'),
    less(:off_aws_silent, 'off AWS, accepted and then silent', 'ms'),
    less(:off_aws_dropped, 'off AWS, packets dropped', 'ms')
  ].freeze
end
