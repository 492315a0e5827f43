# frozen_string_literal: true

# The least that Ruby asks of a fiber scheduler: fibers that sleep, wait for a thread, a lock or a queue, and go on.
#
#   FiberScheduler.run { Fiber.schedule { … } }   returns when all fibers have ended
class FiberScheduler
  # The same with time-outs that reach only the fiber that asked.
  class WithTimeouts < FiberScheduler
    def timeout_after(seconds, error, message)
      fiber = Fiber.current
      expired = [now + seconds, fiber, error, message]
      @timeouts << expired
      yield
    ensure
      @timeouts.delete_if { |other| other.equal?(expired) }
    end
  end

  def self.run
    thread = Thread.new do
      Thread.current.report_on_exception = false
      Fiber.set_scheduler(new)
      yield
    end
    thread.value # the scheduler closes with its thread
  end

  def initialize
    @lock = Thread::Mutex.new
    @wake, @waker = IO.pipe
    @sleeping = {}
    @blocked = {}
    @ready = []
    @timeouts = []
  end

  def fiber(&) = Fiber.new(blocking: false, &).tap(&:resume)

  def kernel_sleep(seconds = nil) = block(:sleep, seconds)

  def block(_blocker, seconds = nil)
    fiber = Fiber.current
    seconds ? @sleeping[fiber] = now + seconds : @blocked[fiber] = true
    Fiber.yield
  ensure
    @sleeping.delete(fiber)
    @blocked.delete(fiber)
  end

  # Called by other threads too.
  def unblock(_blocker, fiber)
    @lock.synchronize { @ready << fiber }
    @waker.write_nonblock('.', exception: false)
  end

  def io_wait(io, events, _timeout)
    io.to_io
    events # what blocks here blocks the thread
  end

  # Ruby 4.0 asks for it, for fibers that wait for an IO which is closed; none does, see io_wait.
  def fiber_interrupt(_fiber, _exception) = raise(NotImplementedError)

  def close
    step until @sleeping.empty? && @blocked.empty? && @ready.empty?
  ensure
    [@wake, @waker].each(&:close)
  end

  private

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

  def step
    due = [*@sleeping.values, *@timeouts.map(&:first)].min
    @wake.read_nonblock(100, exception: false) if IO.select([@wake], nil, nil, due ? [due - now, 0].max : 5) # rubocop:disable Lint/IncompatibleIoSelectWithFiberScheduler -- it is one
    @lock.synchronize { @ready.shift(@ready.size) }.each { |fiber| fiber.resume if fiber.alive? && (@blocked.key?(fiber) || @sleeping.key?(fiber)) }
    expire
    @sleeping.select { |_, at| at <= now }.each_key { |fiber| fiber.resume if fiber.alive? }
  end

  def expire
    @timeouts.select { |at, *| at <= now }.each do |timeout|
      @timeouts.delete_if { |other| other.equal?(timeout) }
      _, fiber, error, message = timeout
      fiber.raise(error, message) if fiber.alive?
    end
  end
end
