# frozen_string_literal: true

require 'fileutils'
require 'json'
require 'net/http'
require 'socket'
require 'tmpdir'

# The real LegionIO in lite mode, in a process and a HOME of its own, with our packed gem installed beside it.
#
#   legion = LegionIO.boot(settings: { identity: { aws: { region: 'eu-west-1' } } }, env: local_aws.env_with_keys)
#   legion.api('/api/identity')
#   legion.ask('Legion::Identity::Broker.token_for(:aws)')
#   legion.stop
#
# rake legionio sets the paths of the gems, and runs everything in a network name space with loopback only.
class LegionIO
  GEMS = ENV.fetch('LEGIONIO_GEMS', nil)
  PROBE = File.expand_path('legionio_probe.rb', __dir__)
  # Databases are written here, since they need not survive a crash.
  FOLDER = File.writable?('/dev/shm') ? '/dev/shm' : Dir.tmpdir
  # The setting with which LegionIO loads identity gems before all others.
  PHASE_ZERO = { extensions: { categories: { identity: { type: 'prefix', tier: 0, phase: 0 } } } }.freeze

  class Error < StandardError; end

  class << self
    # Starts one and waits until it is up.
    def boot(...)
      new(...).tap(&:wait_until_up)
    end

    # An empty HOME with the database migrated, made once: without it LegionIO's own lite mode takes 5 s longer and has no rows.
    def home
      @home ||= Dir.mktmpdir('legionio', FOLDER).tap do |folder|
        FileUtils.mkdir_p("#{folder}/.legionio/settings")
        code = 'require "legion/json"; require "legion/logging"; require "legion/settings"; ' \
               'Legion::Settings.load(config_dirs: []); require "legion/data"; Legion::Data.setup'
        log = "#{folder}/migration.log"
        pid = spawn(environment(folder), RbConfig.ruby, '-e', code, unsetenv_others: true, chdir: folder, %i[out err] => log)
        _, status = Process.wait2(pid)
        raise Error, "LegionIO's database could not be migrated: #{File.read(log)}" unless status.success?
      end
    end

    # Of this machine's environment PATH only. `gems` are folders of bin/setup --legionio, or any others by their path.
    def environment(home, gems: [])
      homes = [*gems, 'legionio'].map { |name| File.expand_path(name.to_s, GEMS) }
      { 'HOME' => home, 'PATH' => ENV.fetch('PATH'), 'LANG' => 'C.UTF-8', 'USER' => 'legion', 'LEGION_DNS_BOOTSTRAP' => 'false',
        'GEM_HOME' => homes.first, 'GEM_PATH' => [*homes, *Gem.default_path].uniq.join(':') }
    end

    # All that are running: see the after(:suite) hook.
    def running = @running ||= []
  end

  attr_reader :pid, :home, :seconds_to_boot

  # `lite: false` is lite mode without --lite, which has Legion::Crypt.
  def initialize(settings: {}, env: {}, gems: %w[ours], arguments: [], preload: nil, api: true, files: {}, lite: true)
    @home = Dir.mktmpdir('legion', FOLDER)
    FileUtils.cp_r("#{self.class.home}/.", @home)
    @log = "#{@home}/legionio.log"
    @socket = "#{@home}/probe"
    @port = free_port
    File.write("#{@home}/.legionio/settings/port.json", JSON.generate(api: { port: @port }))
    self.settings = settings
    files.each { |name, text| File.write("#{@home}/#{name}", text) }
    @started = now
    env = { 'LEGION_MODE' => 'lite', 'LEGION_LOCAL' => 'true', **env } unless lite
    @pid = spawn({ **self.class.environment(@home, gems: gems), 'LEGIONIO_PROBE' => @socket, 'RUBYOPT' => "-r#{PROBE} #{preload}", **env },
                 RbConfig.ruby, "#{GEMS}/legionio/bin/legionio", 'start', *('--lite' if lite), *('--no-api' unless api), *arguments,
                 unsetenv_others: true, chdir: @home, pgroup: true, in: File::NULL, %i[out err] => @log)
    @waiter = Process.detach(@pid)
    @api = api
    self.class.running << self
  end

  # Writes its settings file; LegionIO reads it at the start and at a reload.
  def settings=(settings)
    File.write("#{@home}/.legionio/settings/spec.json", JSON.generate(settings))
  end

  def wait_until_up(timeout: 60)
    wait_for(timeout: timeout, what: 'LegionIO is not up') { log.include?('Started Legion v') && (!@api || api_up?) }
    @up_since = now
    @seconds_to_boot = @up_since - @started
  end

  # Runs Ruby code inside it and returns its value.
  def ask(code, timeout: 15)
    reply = UNIXSocket.open(@socket) do |socket|
      socket.write(code)
      socket.close_write
      raise Error, "no answer within #{timeout} s to: #{code}" unless socket.wait_readable(timeout)

      Marshal.load(socket.read) # rubocop:disable Security/MarshalLoad -- from our own probe
    end
    reply.fetch(:value) { raise Error, "#{code}\n#{reply[:error]}" }
  end

  # GET, parsed; the `data` of LegionIO's envelope.
  def api(path)
    JSON.parse(get(path).body, symbolize_names: true).fetch(:data)
  end

  # GET, the body unparsed.
  def get(path) = Net::HTTP.get_response(URI("http://127.0.0.1:#{@port}#{path}"))

  # The rows of a table of its database, as Hashes.
  def rows(table)
    ask("Legion::Data.connection[#{table.to_sym.inspect}].all.map { |row| row.transform_values { |value| value.is_a?(Time) ? value.to_s : value } }")
  end

  def log
    File.read(@log, encoding: Encoding::UTF_8).scrub
  end

  # LegionIO's own log lines about every extension, including those of its catalogue in lite mode.
  OF_EVERY_EXTENSION = /INFO (Loaded v|\[Transport\] built)|Catalog publish failed/
  private_constant :OF_EVERY_EXTENSION

  # The lines of its log that are ours or about our extension; debug lines on request.
  def lines_of_ours(debug: false)
    ours = log.lines(chomp: true).map { |line| line.gsub(/\e\[[\d;]*m/, '') }
              .grep(/lex-identity-aws|\[identity\]\[aws\]|Identity::Aws/).grep_v(OF_EVERY_EXTENSION)
    debug ? ours : ours.grep_v(/ DEBUG /)
  end

  def wait_for(timeout: 15, what: 'it did not come')
    limit = now + timeout
    until (found = yield)
      raise Error, "#{what} within #{timeout} s\n#{log.lines.last(60).join}" if now > limit
      raise Error, "LegionIO exited (#{@waiter.value})\n#{log.lines.last(60).join}" unless @waiter.alive?

      sleep 0.02
    end
    found
  end

  def memory_in_mb
    File.read("/proc/#{pid}/status")[/VmRSS:\s+(\d+)/, 1].to_i / 1024
  end

  # Stops it as an operator would. Returns the seconds and the exit status. In its first seconds Puma's traps are still set, and
  # SIGTERM would kill it without a shutdown.
  def stop(timeout: 30)
    sleep [@up_since + 3 - now, 0].max
    since = now
    Process.kill(:TERM, pid)
    raise Error, "still there #{timeout} s after SIGTERM\n#{log.lines.last(40).join}" unless @waiter.join(timeout)

    [now - since, @waiter.value]
  end

  def kill
    Process.kill(:KILL, -pid)
  rescue Errno::ESRCH
    nil
  ensure
    @waiter.join
    self.class.running.delete(self)
    FileUtils.rm_rf(home)
  end

  private

  def api_up?
    get('/api/health').code == '200'
  rescue SystemCallError, IOError
    false
  end

  def free_port
    server = TCPServer.new('127.0.0.1', 0)
    server.addr[1]
  ensure
    server&.close
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end
