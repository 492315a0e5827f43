# frozen_string_literal: true

require 'legion/extensions/identity/aws/internal/background_job'
require 'logger'
require 'stringio'

RSpec.describe Legion::Extensions::Identity::Aws::Internal::BackgroundJob do
  aws = Legion::Extensions::Identity::Aws

  let(:log) { StringIO.new }

  def background_job(&) = described_class.new(Legion::Extensions::Identity::Aws::Internal::Log.new(Logger.new(log)), &)

  def finished(job)
    Timeout.timeout(5) { sleep 0.005 while job.running? }
  end

  it 'runs the job on a thread that exits with it' do
    runner = nil
    job = background_job { runner = Thread.current }
    job.run
    finished(job)
    expect(runner).not_to equal(Thread.current)
    expect(runner).not_to be_alive
  end

  it 'never runs it twice at a time, and once more if requested while it runs' do
    inside = runs = most = 0
    gate = Queue.new
    job = background_job do
      most = [most, inside += 1].max
      runs += 1
      gate.pop
      inside -= 1
    end
    job.run
    sleep 0.005 until inside == 1
    20.times.map { Thread.new { job.run } }.each(&:join)
    2.times { gate << nil }
    finished(job)
    expect([runs, most]).to eq([2, 1])
  end

  it 'cuts a wait short when it is requested' do
    pauses = []
    job = background_job { |me| 2.times { |round| pauses << me.wait_for(round.zero? ? 60 : 0.01) if pauses.size < 2 } }
    job.run
    sleep 0.005 until job.instance_variable_get(:@thread)&.stop? # in its wait
    job.run
    finished(job)
    expect(pauses.first).to be(true)
  end

  it 'waits in full again once it has taken the request' do
    waits = []
    job = background_job do |me|
      waits << :begun
      waits << me.wait_for(60) << me.wait_for(0.01)
    end
    job.run
    sleep 0.005 until waits.any?
    3.times { job.run }
    finished(job)
    expect(waits).to eq([:begun, true, false])
  end

  it 'can run again after an error, which it logs, and after a kill' do
    runs = 0
    runner = nil
    job = background_job do
      runner = Thread.current
      runs += 1
      raise NotImplementedError, 'broken' if runs == 1

      sleep if runs == 2
    end
    job.run
    finished(job)
    expect(log.string).to include('NotImplementedError', 'broken')
    job.run
    sleep 0.005 until runs == 2
    runner.kill
    finished(job)
    job.run
    finished(job)
    expect(runs).to eq(3)
  end

  it 'can be requested in a trap handler, and says that it was not started' do
    ran = false
    started = nil
    job = background_job { ran = true }
    before = trap('USR2') { started = job.run }
    Process.kill('USR2', Process.pid)
    Timeout.timeout(5) { sleep 0.005 while started.nil? }
    expect([started, job.run]).to eq([false, true])
    finished(job)
    expect(ran).to be(true)
  ensure
    trap('USR2', before)
  end

  it 'runs in a forked child while its parent runs it too' do
    gate = Queue.new
    job = background_job { gate.pop }
    job.run
    read, write = IO.pipe
    pid = fork do
      idle = !job.running?
      job.run
      write.write([idle, job.running?].inspect)
      exit!(0)
    end
    write.close
    Process.wait(pid)
    expect(read.read).to eq('[true, true]')
    gate << nil
    finished(job)
  end

  it 'prints nothing where there is no logger' do
    job = described_class.new(aws::Internal::Log.new) { raise 'not logged' }
    expect do
      job.run
      finished(job)
    end.not_to output.to_stderr_from_any_process
  end
end
