# frozen_string_literal: true

require 'session/support/mfa_users'

# What another thread raises in a reader, at whatever line, must leave the session usable for all.
RSpec.describe 'An exception from another thread', :mfa_users, :slow do
  aws = Legion::Extensions::Identity::Aws
  poke = Class.new(StandardError)
  files = File.join(RubyProcess::LIB, 'legion/extensions/identity/aws/')
  events = %i[line c_call]
  # One line in three, another one in each run; each night LEX_EVERY_LINE has all of them.
  step = ENV['LEX_EVERY_LINE'] ? 1 : 3

  around { |example| with_env(local_aws.env_with_keys) { example.run } }

  def token = @token ||= local_aws.world.fetch('web_identity_tokens').keys.first

  def keys = @keys ||= local_aws.world.fetch('users').fetch(MfaUsers::DEMO).values_at('access_key_id', 'secret_access_key')

  def provider = @provider ||= Struct.new(:credentials).new(Struct.new(:access_key_id, :secret_access_key, :session_token).new(*keys))

  def session_of(kind)
    worker = { role_arn: MfaUsers::WORKER }
    chained = MfaUsers::WORKER.sub('legion-worker', 'from-worker-only')
    local_aws.reset if kind == 'a token_provider' # it takes each code once
    case kind
    when 'keys'             then MfaUsers::Aws::Session.new(**worker)
    when 'a callable token' then MfaUsers::Aws::Session.new(role_arn: MfaUsers::IRSA_ROLE, web_identity_token: -> { token })
    when 'a source'         then MfaUsers::Aws::Session.new(source: provider, **worker)
    when 'a source Session' then MfaUsers::Aws::Session.new(source: MfaUsers::Aws::Session.new(**worker), role_arn: chained)
    when 'a token_provider' then mfa_session(MfaUsers::CodeProvider.new)
    end
  end

  # Runs the block on a thread, in which an exception is raised at event number `wanted` within our files: on that thread, or on one of ours.
  # Whether there was such an event.
  def interrupted_at(wanted, poke, files, events, ours:, &read)
    count = 0
    reader = nil
    trace = TracePoint.new(*events) do |point|
      current = Thread.current
      next unless point.path.start_with?(files) && (ours ? threads_of_ours.include?(current) : current == reader)

      current.raise(poke) if (count += 1) == wanted
    end
    reader = thread { sleep && took(&read) }
    eventually { reader.stop? }
    trace.enable
    reader.run
    reader.join(10) or raise "hangs: #{reader.backtrace.first(5)}"
    eventually { threads_of_ours.empty? } if ours
    trace.disable
    count >= wanted
  end

  ['keys', 'a callable token', 'a source', 'a source Session', 'a token_provider'].each do |kind|
    %i[credentials identity refresh! prefetch].each do |verb|
      it "leaves a session with #{kind} usable, whatever line of #{verb} it hits", timeout: 120 do
        wanted = rand((1 - step)..0)
        more = true
        while more
          session = session_of(kind)
          more = interrupted_at(wanted += step, poke, files, events, ours: false) { session.public_send(verb) }
          result, seconds = thread { took { session.credentials } }.value
          # What hits a token_provider is taken for its own, and may be told once to all who wait for it.
          result = session.credentials if result.is_a?(aws::NoCredentialsError) && result.cause.is_a?(poke)
          expect([wanted, result]).to match([wanted, be_set])
          expect([wanted, seconds]).to match([wanted, be < 1.5])
        end
        expect(wanted).to be > (kind == 'keys' ? 3 : 20)
        eventually { threads_of_ours.empty? }
      end
    end
  end

  ['a callable token', 'a source'].each do |kind|
    it "is an error of the reader, or nothing, where it hits the helper thread of #{kind}", timeout: 120 do
      wanted = 0
      more = true
      while more
        session = session_of(kind)
        result = nil
        more = interrupted_at(wanted += 1, poke, files, %i[line], ours: true) { result = took { session.credentials } }
        expect([wanted, result]).to match([wanted, [be_set.or(be_a(aws::NoCredentialsError)), be < 4]])
        expect([wanted, took { session.refresh! }]).to match([wanted, [be_set.or(be_a(aws::NoCredentialsError)), be < 4]])
      end
      expect(wanted).to be > 10
    end
  end

  it 'leaves the session usable in a storm of 500 a second', timeout: 90 do
    lifetime(2)
    ['keys', 'a callable token', 'a source', 'a source Session'].each do |kind|
      session = session_of(kind)
      counts = Hash.new(0)
      stop = false
      readers = Thread.handle_interrupt(poke => :never) do
        Array.new(6) do
          thread do
            until stop
              verb = %i[credentials credentials identity refresh! prefetch].sample
              result, = Thread.handle_interrupt(poke => :immediate) { took { session.public_send(verb) } }
              counts[result.class] += 1
              sleep 0.001
            end
          rescue poke
            retry
          end
        end
      end
      finish = now + 3
      readers.sample.raise(poke).nil? && sleep(0.002) while now < finish
      stop = true
      expect(readers.map { |reader| reader.join(5) }).to all(be_a(Thread))
      expect(counts[poke]).to be > 50
      sleep 1.2 # in the advisory window, or in a back-off
      expect(thread { took { session.refresh! } }.value).to match([be_set, be < 1])
      expect(session.counters).to include(age: be < 2)
    end
  end

  it 'ends no other thread where Thread.abort_on_exception is set' do
    result = ruby_process(<<~RUBY, env: local_aws.env_with_keys)
      require 'legion/extensions/identity/aws'
      Thread.abort_on_exception = true
      Aws = Legion::Extensions::Identity::Aws
      failing = Class.new(Exception)
      role = { role_arn: #{MfaUsers::MFA_ROLE.dump}, resolve_timeout: 1 }
      source = Struct.new(:error) { def credentials = raise(error) }
      callables = [failing, SystemExit, Interrupt, NoMemoryError, SystemStackError, NotImplementedError].flat_map do |error|
        [Aws::Session.new(web_identity_token: -> { raise error }, **role), Aws::Session.new(source: source.new(error), **role)]
      end
      callables << Aws::Session.new(web_identity_token: -> { Thread.exit }, **role)
      listened = Aws::Session.new
      listened.on_change { raise failing }
      listened.on_change { Thread.current.raise(failing) }
      listened.credentials
      ours = -> { Thread.list.select { |thread| thread.name == 'lex-identity-aws' } }
      sleep 0.1
      ours.call.each { |thread| thread.raise(failing) }
      sleep 0.1
      puts callables.map { |session| session.credentials rescue $!.class.name }.tally.inspect, ours.call.size
    RUBY
    expect([result.stderr, result.stdout.lines(chomp: true)]).to eq(['', ['{"Legion::Extensions::Identity::Aws::NoCredentialsError"=>13}', '0']])
  end
end
