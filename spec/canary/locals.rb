# frozen_string_literal: true

require_relative 'forms'

# Run by locals_spec in a process of its own: looks, at every raise, into the local variables of every frame of this gem that is on the
# stack, as an error tracker does, and prints those that hold a planted secret, encoded or not.
module Locals
  LIBRARY = "#{File.expand_path('../../lib', __dir__)}/".freeze
  PLANTED = ENV.fetch('CANARY')
  FORMS = Forms.of(PLANTED).map(&:b).freeze

  # Bindings of the frames of this gem, innermost last. By fiber, as Thread#[] is.
  def self.stack = Thread.current[:canary_frames] ||= []

  def self.watch
    TracePoint.new(:call, :b_call) { |point| stack.push(point.binding) if ours?(point) }.enable
    TracePoint.new(:return, :b_return) { |point| stack.pop if ours?(point) }.enable
    TracePoint.new(:raise) { |point| stack.each { |frame| look(frame, point) } }.enable
  end

  def self.ours?(point) = point.path.start_with?(LIBRARY)

  def self.look(frame, point)
    frame.local_variables.each do |name|
      next unless holds?(frame.local_variable_get(name))

      puts "LEAK #{frame.source_location.first.delete_prefix(LIBRARY)}:#{frame.source_location.last} #{name}, at #{point.raised_exception.class} in #{@call}"
    end
  end

  def self.holds?(value, depth = 6)
    case value
    when String, Symbol then shows?(value.to_s)
    when Array, Struct then depth.positive? && value.to_a.any? { |item| holds?(item, depth - 1) }
    when Hash then depth.positive? && value.any? { |pair| holds?(pair, depth - 1) }
    when Exception, Proc, Method then false # an exception of the application is the cause of ours
    else shows?(value.inspect)
    end
  rescue StandardError
    false
  end

  def self.shows?(text)
    bytes = text.b
    FORMS.any? { |form| bytes.include?(form) }
  end

  # Runs a call that has to fail, and looks into what its exception says, and those below it. `quotes`: it says what was given for a
  # name or a role, which is no secret.
  def self.failing(name, quotes: false)
    @call = name
    yield
    puts "#{name}: nothing was raised"
  rescue Exception => e # rubocop:disable Lint/RescueException -- Timeout and Thread#raise too
    puts "#{name}: #{e.class}"
    puts "LEAK in what #{e.class} or its cause says in #{name}" if !quotes && shows?(e.full_message(highlight: false))
  end
end
