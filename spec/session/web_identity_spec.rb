# frozen_string_literal: true

require 'session/support/mfa_users'
require 'tempfile'

RSpec.describe 'A session with a web identity token', :mfa_users do
  aws = Legion::Extensions::Identity::Aws

  around { |example| with_env(local_aws.env) { example.run } }

  def token = @token ||= local_aws.world.fetch('web_identity_tokens').keys.first

  def web_session(token, **options)
    MfaUsers::Aws::Session.new(role_arn: MfaUsers::IRSA_ROLE, web_identity_token: token, **options)
  end

  def tokens_sent = asked_of_sts('AssumeRoleWithWebIdentity').map { |request| request[:params]['WebIdentityToken'] }

  it 'sends a String, trimmed' do
    expect(web_session("#{token}\n").identity.role).to eq('irsa-app')
    expect(tokens_sent).to eq([token])
  end

  it 'gives the other fields of the answer' do
    expect(web_session(token, role_session_name: 'details').credentials.details)
      .to include(subject: 'system:serviceaccount:legion:worker', audience: 'sts.amazonaws.com', provider: a_string_including('oidc'),
                  assumed_role_arn: 'arn:aws:sts::123456789012:assumed-role/irsa-app/details', assumed_role_id: /\AAROA\w+:details\z/)
      .and be_frozen
  end

  it 'uses a replaced token from the next request on' do
    session = web_session('eyJ-an-old-token')
    expect { session.credentials }.to raise_error(aws::Error)
    session.web_identity_token = "#{token}\n"
    expect(session.credentials).to be_set
    expect(tokens_sent).to eq(['eyJ-an-old-token', token])
  end

  it 'refuses a new token where it has none, and a malformed one' do
    expect { aws::Session.new.web_identity_token = token }.to raise_error(aws::ConfigurationError, /has no web identity token/)
    expect { web_session(token).web_identity_token = -> { token } }.to raise_error(ArgumentError, /takes a String, and was given Proc/)
    expect { web_session(token).web_identity_token = "canary\u0000" }.to raise_error(aws::ConfigurationError, /control characters/)
  end

  it 'refuses an object that is neither a String nor a callable' do
    expect { web_session(true) }.to raise_error(ArgumentError, /web_identity_token is of class TrueClass; it takes a String or a callable/)
  end

  it 'refuses a callable that takes arguments, before it is called' do
    [->(_role) { token }, ->(role:) { role }, aws.method(:logger=)].each do |callable|
      expect { web_session(callable) }.to raise_error(ArgumentError, /web_identity_token takes other arguments than it is called with\. Write -> \{ … \}\./)
    end
  end

  describe 'of a callable' do
    it 'calls it on a thread of its own, once for each request' do
      threads = []
      session = web_session(-> { (threads << Thread.current) && token })
      expect(session.identity.role).to eq('irsa-app')
      session.refresh!
      expect(threads.size).to eq(2)
      expect(threads.uniq.size).to eq(2)
      expect(threads).not_to include(Thread.current)
      eventually { threads.none?(&:alive?) }
    end

    it 'calls it once for all threads that read at once' do
      latch = Queue.new
      asked = Queue.new
      session = web_session(-> { (asked << 1) && latch.pop && token })
      readers = Array.new(20) { thread { session.credentials } }
      eventually { asked.size == 1 && readers.all?(&:stop?) }
      latch << :open
      expect(readers.map(&:value).uniq.size).to eq(1)
      expect([asked.size, tokens_sent.size]).to eq([1, 1])
    end

    it 'goes on for the other readers when the one that started the fetch is killed' do
      latch = Queue.new
      session = web_session(-> { latch.pop && token })
      first, second = Array.new(2) { thread { session.credentials }.tap { |reader| eventually { reader.stop? } } }
      first.kill.join
      latch << :open
      expect(second.value).to be_set
      expect(tokens_sent.size).to eq(1)
    end

    it 'calls it in the background in the advisory window' do
      lifetime(6)
      latch = Queue.new
      latch << :open
      asked = Queue.new
      session = web_session(-> { (asked << 1) && latch.pop && token })
      first = session.credentials
      sleep [first.expiration - 2.5 - Time.now, 0].max
      results, seconds = took { Array.new(50) { session.credentials } }
      expect(results).to all(equal(first))
      expect(seconds).to be < 1 # the callable does not return before the latch opens
      eventually { asked.size == 2 }
      latch << :open
      eventually { session.credentials != first }
      expect([asked.size, tokens_sent.size]).to eq([2, 2])
    end

    it 'serves the held credentials when it fails in the advisory window, with one warning, and calls it again after a back-off' do
      lifetime(6)
      log = StringIO.new
      answers = [token, nil]
      session = web_session(-> { answers.empty? ? token : answers.shift }, logger: Logger.new(log))
      first = session.credentials
      sleep [first.expiration - 2.5 - Time.now, 0].max
      eventually { session.credentials.degraded }
      expect(session.credentials).to have_attributes(access_key_id: first.access_key_id, degraded: /web_identity_token gave NilClass/)
      expect(log.string.lines.grep(/WARN/).size).to eq(1)
      eventually { session.credentials.degraded.nil? }
      expect(session.credentials).not_to eq(first)
      expect(log.string).to include('renewed again')
    end

    it 'raises a final refusal of a background request once, at the next read' do
      lifetime(6)
      answers = [token, 'eyJ-refused', 'eyJ-refused']
      session = web_session(-> { answers.shift || token })
      first = session.credentials
      sleep [first.expiration - 2.5 - Time.now, 0].max
      expect(session.credentials).to equal(first)
      refused = nil
      eventually { (refused = took { session.credentials }.first).is_a?(aws::Error) }
      expect(refused).to have_attributes(message: /InvalidIdentityToken/)
      expect(session.credentials).to equal(first)
    end

    it 'interrupts it after process_timeout' do
      result, seconds = took { web_session(-> { sleep }, process_timeout: 0.2).credentials }
      expect(result).to be_a(aws::TimeoutError).and have_attributes(message: /web_identity_token gave no answer within 0.2 s \(process_timeout\)/)
      expect(seconds).to be < 1
    end

    it 'raises a time-out even where it ignores its own' do
      latch = Queue.new
      stubborn = lambda do
        latch.pop && token
      rescue Exception # rubocop:disable Lint/RescueException -- a callable that ignores every time-out
        retry
      end
      session = web_session(stubborn, process_timeout: 0.2)
      2.times do
        result, seconds = took { session.credentials }
        expect(result).to be_a(aws::TimeoutError)
        expect(seconds).to be < 3.5 # five times what it waits
      end
      # The first of these may come too late on a machine under load.
      5.times { latch << :open }
      results = Array.new(5) { took { session.credentials }.first }
      expect(results).to include(be_a(aws::Credentials))
    end

    it 'raises for a malformed answer, and shows no secret' do
      {
        -> { raise KeyError, 'canary' }            => /web_identity_token raised KeyError/,
        -> { raise NotImplementedError, 'canary' } => /web_identity_token raised NotImplementedError/,
        -> {}                                      => /gave NilClass in place of a token/,
        -> { 42 }                                  => /gave Integer in place of a token/,
        -> { "canary\u0000canary" }                => /holds control characters/,
        -> { 'c' }                                 => /has 1 characters; STS takes 4 and more/
      }.each do |callable, message|
        expect { web_session(callable).credentials }.to raise_error(aws::Error, message) { |error|
          expect(error.message).not_to include('canary')
        }
      end
      expect(asked_of_sts).to be_empty
    end

    it 'raises where it reads the session that calls it' do
      session = nil
      session = web_session(-> { session.credentials.access_key_id })
      expect { session.credentials }.to raise_error(aws::ConfigurationError, /reads the very session that asks it/)
    end

    it 'is called by #prefetch, which does not wait' do
      latch = Queue.new
      session = web_session(-> { latch.pop && token })
      started, seconds = took { session.prefetch }
      expect(started).to be(true)
      expect(session.prefetch).to be(false)
      expect(seconds).to be < 1
      latch << :open
      expect(session.credentials).to be_set
      expect(tokens_sent.size).to eq(1)
    end

    it 'is not called once a token was set' do
      session = web_session(-> { raise 'asked' })
      session.web_identity_token = token
      expect(session.credentials).to be_set
    end

    it 'works in a forked child while it runs in the parent' do
      result = ruby_process(<<~RUBY, env: local_aws.env)
        require 'legion/extensions/identity/aws'
        parent = Process.pid
        asked = Queue.new
        callable = -> { asked << 1; Process.pid == parent ? sleep : #{token.dump} }
        session = Legion::Extensions::Identity::Aws::Session.new(role_arn: #{MfaUsers::IRSA_ROLE.dump}, web_identity_token: callable)
        Thread.new { session.credentials }
        asked.pop
        Process.wait(fork { puts session.credentials.set? })
        puts $?.exitstatus
      RUBY
      expect(result.stdout.split).to eq(%w[true 0])
    end

    it 'leaves no thread' do
      before = Thread.list.size
      5.times { web_session(-> { token }).credentials }
      eventually { Thread.list.size <= before }
    end
  end

  it 'reads a token file again before each request' do
    file = Tempfile.create('token')
    file.write('eyJ-an-old-token')
    file.flush
    session = aws::Session.new(role_arn: MfaUsers::IRSA_ROLE, web_identity_token_file: file.path)
    expect { session.credentials }.to raise_error(aws::Error)
    File.write(file.path, "#{token}\n")
    sleep 1.05 # a final error is not fetched again within a second
    expect(session.credentials).to be_set
  end
end
