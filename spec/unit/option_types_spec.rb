# frozen_string_literal: true

require 'pathname'
require 'uri'

RSpec.describe 'The value of an option' do
  aws = Legion::Extensions::Identity::Aws

  it 'may be a path or a URL' do
    session = aws::Session.new(cache: Pathname('/tmp/entries'), ca_bundle: Pathname('/ca.pem'), web_identity_token_file: Pathname('/token'),
                               endpoint: URI('https://sts.example.com/'))
    expect(session.settings).to include(cache: a_hash_including(value: '/tmp/entries'), ca_bundle: a_hash_including(value: '/ca.pem'),
                                        endpoint: a_hash_including(value: 'https://sts.example.com/'),
                                        web_identity_token_file: a_hash_including(value: '/token'))
  end

  it 'of another class is an error with its name' do
    [Object.new, 1..2, Struct.new(:x).new(1)].each do |value|
      expect { aws::Session.new(tags: { a: value }) }.to raise_error(ArgumentError, /\Atags is of class/)
      expect { aws::Session.new(cache: value) }.to raise_error(ArgumentError, /\Acache is of class/)
    end
    expect { aws::Session.new(profile: "\xff") }.to raise_error(ArgumentError, /\Aprofile is not valid UTF-8/)
  end
end
