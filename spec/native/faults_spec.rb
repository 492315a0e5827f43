# frozen_string_literal: true

require 'native/support/native_session_process'
require 'native/support/faults'

RSpec.describe 'The native library on a system without threads or with slow look-ups', :native_session do
  # A host name, so that it is looked up: on the second thread of a fetch.
  let(:named) { { 'AWS_ENDPOINT_URL_STS' => local_aws.http.sub('127.0.0.1', 'localhost') } }

  it 'retries a look-up that gets no thread' do
    said = facts('tell(key: session.credentials.access_key_id[0, 4])', env: named.merge(Faults.env(thread: 2)))
    expect(said).to eq(key: 'ASIA')
  end

  it 'raises what the request for the identity failed with where there are no file descriptors, and does not ask again and again' do
    said = facts(<<~RUBY)
      mine = session
      mine.credentials
      Process.setrlimit(:NOFILE, 64)
      files = []
      begin
        loop { files << File.open('/dev/null') }
      rescue Errno::EMFILE
        nil
      end
      failure, = took { mine.identity }
      fetches = mine.counters[:fetches]
      files.each(&:close)
      tell(failure: failure.is_a?(Legion::Extensions::Identity::Aws::Error), fetches: fetches, again: mine.identity.arn)
    RUBY
    expect(said).to include(failure: true, fetches: 2, again: start_with('arn:'))
  end

  describe 'where a credential_process gets no thread' do
    around { |example| Dir.mktmpdir { |folder| (@folder = folder) && example.run } }

    let(:broken) do
      keys = local_aws.env_with_keys
      File.write("#{@folder}/keys", JSON.generate(Version: 1, AccessKeyId: keys['AWS_ACCESS_KEY_ID'], SecretAccessKey: keys['AWS_SECRET_ACCESS_KEY']))
      File.write("#{@folder}/config", "[default]\ncredential_process = cat #{@folder}/keys\n")
      { 'AWS_CONFIG_FILE' => "#{@folder}/config", 'AWS_ACCESS_KEY_ID' => nil, 'AWS_SECRET_ACCESS_KEY' => nil, 'AWS_SESSION_TOKEN' => nil }
        .merge(Faults.env(thread: 2))
    end

    it 'raises an error that names the limit, prints nothing, and works at the next call' do
      said = facts(<<~RUBY, env: broken)
        mine = session
        failure, = took { mine.credentials }
        tell(failure: failure.class.name, said: failure.message, again: mine.credentials.access_key_id, fetch_threads: fetch_threads)
      RUBY
      expect(said).to include(failure: 'Legion::Extensions::Identity::Aws::NoCredentialsError', again: start_with('ASIA'))
      expect(said[:said]).to match(/no thread .*ulimit -u/).and(satisfy { |text| !text.match?(/can't spawn|report/) })
    end

    it 'raises it from the identity, too, and in every thread that waited' do
      said = facts(<<~RUBY, env: broken)
        mine = session(role_arn: false)
        failures = Array.new(20) { Thread.new { took { mine.identity }.first } }.map(&:value).grep(Exception)
        tell(failures: failures.map { |failure| failure.class.name }.uniq, again: mine.identity.arn)
      RUBY
      expect(said).to eq(failures: ['Legion::Extensions::Identity::Aws::NoCredentialsError'], again: 'arn:aws:iam::123456789012:user/demo')
    end

    it 'leaks no descriptor' do
      said = facts(<<~RUBY, env: broken)
        before = descriptors
        failure, = took { session.credentials }
        eventually { fetch_threads.zero? }
        tell(failed: failure.is_a?(Aws::NoCredentialsError), leaked: descriptors - before)
      RUBY
      expect(said).to eq(failed: true, leaked: 0)
    end
  end

  it 'raises an error that names the limits where the request itself gets no thread, and works at the next call' do
    said = facts(<<~RUBY, env: Faults.env(thread: 1))
      mine = session
      failure, = took { mine.credentials }
      tell(failure: failure.class.name, said: failure.message, again: mine.credentials.access_key_id)
    RUBY
    expect(said).to match(failure: 'Legion::Extensions::Identity::Aws::ConnectionError', said: /Cannot start a thread.*ulimit/, again: start_with('ASIA'))
  end

  it 'makes a fork wait for a thread that has made its request and takes a lock of AWS-LC as it ends' do
    said = facts(<<~RUBY, env: local_aws.env_with_keys(tls: true).merge(Faults.env(crypto: 50)))
      session.credentials
      child = in_child { session(resolve_timeout: 5).credentials.access_key_id[0, 4] }
      tell(child: child.said, code: child.code)
    RUBY
    expect(said).to eq(child: 'ASIA', code: 0)
  end

  it 'makes a fork wait for a thread that has run all its destructors and takes a lock of the C library, as glibc does at each end' do
    said = facts(<<~RUBY, env: named.merge(Faults.env(end: 100, lookup: 1)))
      children = Array.new(3) do |number|
        session.credentials
        sleep(0.02 * number)
        in_child { session(resolve_timeout: 5).credentials.access_key_id[0, 4] }
      end
      tell(children: children.map { |child| [child.said, child.code] }.uniq)
    RUBY
    expect(said).to eq(children: [['ASIA', 0]])
  end

  it 'makes a fork wait for code that takes longer than a look-up is waited for, as on a machine that is short of CPU' do
    said = facts(<<~RUBY, env: local_aws.env_with_keys(tls: true).merge(Faults.env(crypto: 400)), timeout: 60)
      session(resolve_timeout: 30).credentials
      child = in_child { session(resolve_timeout: 30).credentials.access_key_id[0, 4] }
      tell(child: child.said, code: child.code)
    RUBY
    expect(said).to eq(child: 'ASIA', code: 0)
  end

  describe 'where look-ups take long and hold a lock of the C library' do
    it 'makes a fork wait for the lock, so that the child can look up names' do
      said = facts(<<~RUBY, env: named.merge(Faults.env(lookup: 100)))
        children = Array.new(5) do |number|
          fetching = session
          fetching.prefetch
          sleep(0.015 * number)
          in_child { session.credentials.access_key_id[0, 4] }
        end
        tell(children: children.map { |child| [child.said, child.code] }.uniq)
      RUBY
      expect(said).to eq(children: [['ASIA', 0]])
    end

    it 'makes a fork wait for the lock at most a quarter of a second' do
      said = facts(<<~RUBY, env: named.merge(Faults.env(lookup: 5000)))
        fetching = session
        fetching.prefetch
        eventually { fetch_threads == 2 }
        sleep 0.1 # from the start of the thread to the look-up
        pid, seconds = took { fork { exit!(7) } }
        Process.wait(pid)
        tell(seconds: seconds, code: Process.last_status.exitstatus, fetch_threads: fetch_threads)
      RUBY
      expect(said).to match(seconds: be_between(0.2, 1.25), code: 7, fetch_threads: 2)
    end

    # A shell removes the file, so that the look-up goes on; a child that inherits the lock held never looks up a name.
    let(:fork_during_a_look_up) { <<~'RUBY' }
      file = ENV['FAULTS_CPU'] || ENV.fetch('FAULTS_DISK')
      shell = spawn(format("until [ -e %<file>s.fork ]; do sleep 0.02; done; #{ENV.fetch('THEN')}", pid: Process.pid, file: file))
      File.write(file, '')
      fetching = session
      fetching.prefetch
      eventually { fetch_threads == 2 }
      sleep 0.1 # from the start of the thread to the look-up
      File.write("#{file}.fork", '')
      child = in_child { session(resolve_timeout: 5).credentials.access_key_id[0, 4] }
      Process.wait(shell)
      tell(child: child.said, code: child.code, parent: fetching.credentials.access_key_id[0, 4])
    RUBY

    def fork_during_a_look_up_that(waits, shell)
      Dir.mktmpdir do |folder|
        facts(fork_during_a_look_up, env: named.merge(Faults.env(waits => "#{folder}/held"), 'THEN' => shell))
      end
    end

    it 'makes a fork wait longer where the look-up waits for the CPU or a disk, not for a name server' do
      whats = Slowdown::FACTOR == 1 ? %i[cpu disk] : %i[cpu] # an emulator's vfork is a fork, and its thread does not wait for a disk
      whats.each do |what|
        said = fork_during_a_look_up_that(what, 'sleep 0.5; rm %<file>s')
        expect(said).to eq(child: 'ASIA', code: 0, parent: 'ASIA'), "#{what}: #{said}"
      end
    end

    it 'does not count the time for which the whole process was stopped' do
      said = fork_during_a_look_up_that(:cpu, 'sleep 0.3; kill -STOP %<pid>d; sleep 2.5; kill -CONT %<pid>d; sleep 0.3; rm %<file>s')
      expect(said).to eq(child: 'ASIA', code: 0, parent: 'ASIA')
    end

    it 'lets a process exit during a look-up' do
      code = script('session.prefetch; eventually { fetch_threads == 2 }; sleep 0.1; tell(at: now)')
      result = ruby_process(code, env: script_env.merge(named, Faults.env(lookup: 5000)))
      expect(result).to be_success
      expect(now - JSON.parse(result.stdout)['at']).to be < 1
    end
  end

  describe 'where the folder of the credentials file hangs' do
    around { |example| Dir.mktmpdir { |folder| (@folder = folder) && example.run } }

    # Reads for three seconds while the folder hangs; then it hangs no more, and the file is another one.
    let(:reads) { <<~'RUBY' }
      folder = ENV.fetch('FAULTS_HANG')
      write = ->(key) { File.write("#{folder}/credentials", "[default]\naws_access_key_id = #{key}\naws_secret_access_key = secret\n") }
      write.call('AKIAFIRST')
      mine = session(role_arn: false)
      mine.credentials
      File.write("#{folder}/hang", '')
      longest = 0.0
      read_on = lambda do
        till = now + 3
        while now < till
          _, seconds = took { mine.credentials }
          longest = [longest, seconds].max
          sleep 0.02
        end
      end
      ENV.key?('SCHEDULER') ? FiberScheduler.run { Fiber.schedule(&read_on) } : read_on.call
      stuck = fetch_threads
      File.delete("#{folder}/hang")
      write.call('AKIASECOND')
      _, seconds = took { eventually { mine.credentials.access_key_id == 'AKIASECOND' } }
      tell(longest: longest, stuck: stuck, seconds: seconds)
    RUBY

    let(:fork_during_a_fetch) { <<~'RUBY' }
      hang = "#{ENV.fetch('FAULTS_HANG')}/hang"
      File.write(hang, '')
      session(role_arn: false).prefetch
      eventually { fetch_threads == 1 }
      sleep 0.1 # from the start of the thread to the file
      pid, seconds = took { fork { exit!(7) } }
      Process.wait(pid)
      stuck = fetch_threads
      File.delete(hang)
      tell(seconds: seconds, stuck: stuck, code: Process.last_status.exitstatus)
    RUBY

    def in_hung_folder(script = reads, env = {})
      env = { 'AWS_ACCESS_KEY_ID' => nil, 'AWS_SECRET_ACCESS_KEY' => nil, 'AWS_SESSION_TOKEN' => nil, **Faults.env(hang: @folder), **env }
      scheduler = File.expand_path('../support/fiber_scheduler', __dir__)
      facts("require #{scheduler.inspect}\n#{script}", env: { **env, 'AWS_SHARED_CREDENTIALS_FILE' => "#{@folder}/credentials" })
    end

    it 'delays a read once, by a tenth of a second, with one thread, and sees the changed file within 2 s' do
      expect(in_hung_folder).to match(longest: be_between(0.08, 0.5), stuck: 1, seconds: be < 2.5)
    end

    it 'makes a fork wait no longer than a look-up does' do
      expect(in_hung_folder(fork_during_a_fetch)).to match(seconds: be < 1, stuck: 1, code: 7)
    end

    it 'delays the fibers of a scheduler by some milliseconds' do
      expect(in_hung_folder(reads, 'SCHEDULER' => '1')).to match(longest: be < 0.06, stuck: 1, seconds: be < 2.5)
    end
  end
end
