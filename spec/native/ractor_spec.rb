# frozen_string_literal: true

require 'native/support/native_session_process'

RSpec.describe 'A Ractor', :native_session do
  # Ractor#take is gone since Ruby 4.0, which has Ractor#value instead.
  def raised_by(code)
    facts(<<~RUBY)
      Ractor.alias_method(:value, :take) unless Ractor.method_defined?(:value)
      Warning[:experimental] = false
      Thread.report_on_exception = false
      shared = session(role_arn: false)
      key    = shared.credentials.access_key_id
      failure, = took { #{code} }
      failure = failure.cause while failure.is_a?(Ractor::RemoteError)
      tell(class: failure.class.name, said: failure.message, afterwards: shared.credentials.access_key_id == key)
    RUBY
  end

  it 'cannot make a session and gets an error that says so' do
    expect(raised_by('Ractor.new { NativeSession::Aws::Session.new }.value'))
      .to eq(class: 'Ractor::UnsafeError', said: 'ractor unsafe method called from not main ractor', afterwards: true)
  end

  it 'cannot be passed a session and gets an error that says so' do
    expect(raised_by('Ractor.new(shared) { |given| given.credentials }.value')).to match(class: 'TypeError', said: /allocator undefined/, afterwards: true)
  end
end
