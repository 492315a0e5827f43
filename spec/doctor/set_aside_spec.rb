# frozen_string_literal: true

require 'doctor/support/broken_world'

# What files and variables say and a session does not use, or cannot: the doctor names it, and calls no file ok that it cannot open.
RSpec.describe 'The doctor, on a machine' do
  include BrokenWorld

  let(:role) { "role_arn = #{BrokenWorld::ROLE}legion-worker\n" }

  def of_files(report) = problems(report).select { |problem| problem.first == 'files' }

  it 'with sections that are not understood' do
    file('.aws/config', "[profile my dev]\nregion = eu-west-1\n[prod]\nregion = eu-west-1\n[plugins]\nx = y\n[default]\nregion = r\n[profile default]\n")
    file('.aws/credentials', demo_profile('default'))
    expect(of_files(examine({ 'AWS_ENDPOINT_URL' => local_aws.http }))).to contain_exactly(
      ['files', 'profiles', :warn, a_string_including('[profile my dev]', 'several words'), a_string_including("[profile 'my dev']")],
      ['files', 'profiles', :warn, a_string_including('[prod]', 'does not begin with'), a_string_including('[profile prod]')],
      ['files', 'profiles', :warn, a_string_including('"default" twice'), a_string_including('Merge')]
    )
  end

  it 'with a comment behind the name of a section, and a way that is passed over' do
    file('.aws/config', "[profile p]\n#{role}source_profile = base # mine\ncredential_process = false\n")
    file('.aws/credentials', demo_profile('base'))
    expect(of_files(examine(local_aws.env.merge('HOME' => home), profile: 'p'))).to contain_exactly(
      ['files', 'profiles', :warn, a_string_including('"base # mine"', 'taken for a comment'), a_string_including('a line of its own')],
      ['files', 'profiles', :warn, a_string_including('source_profile beside credential_process, which is passed over'), String]
    )
  end

  it 'with a file that cannot be opened' do
    path = File.join(home, '.aws/credentials')
    file('.aws/config', '')
    File.symlink(path, path) # no user can open it
    expect(of_files(examine)).to contain_exactly(['files', 'credentials file', :fail, a_string_including(path, 'unreadable'), String])
  end

  it 'with a token file that is none' do
    report = examine(keys.merge('AWS_WEB_IDENTITY_TOKEN_FILE' => home, 'AWS_ROLE_ARN' => "#{BrokenWorld::ROLE}irsa-app"))
    expect(of_files(report)).to contain_exactly(['files', 'AWS_WEB_IDENTITY_TOKEN_FILE', :warn, a_string_including('is not a regular file'), String])
  end

  it 'with a blank variable in place of a file' do
    file('.aws/credentials', demo_profile('default'))
    found = finding(examine(keys.merge('AWS_SHARED_CREDENTIALS_FILE' => '')), 'files', 'credentials file')
    expect(found).to have_attributes(status: :skipped, what: 'none is read, since AWS_SHARED_CREDENTIALS_FILE is blank')
  end

  it 'with keys of an odd shape' do
    report = examine({ 'AWS_ENDPOINT_URL' => local_aws.http, 'AWS_ACCESS_KEY_ID' => '"ASIAODD"', 'AWS_SECRET_ACCESS_KEY' => ' not-for-logs x ' },
                     secrets: ['not-for-logs'])
    expect(problems(report)).to include(
      ['sources', 'key shape', :warn, 'The access key id has quotation marks in it.', String],
      ['sources', 'key shape', :warn, 'The secret access key has white space in or around it.', String],
      ['sources', 'key shape', :fail, a_string_including('ASIA', 'no session token'), String]
    )

    report = examine({ 'AWS_ENDPOINT_URL' => local_aws.http, 'AWS_ACCESS_KEY_ID' => '"AKIAODD"', 'AWS_SECRET_ACCESS_KEY' => 'not-for-logs' })
    expect(problems(report)).to include(
      ['identity', a_kind_of(String), :fail, a_string_starting_with('The access key id has quotation marks'), String]
    )
  end

  it 'with temporary keys whose expiration is not known' do
    file('.aws/credentials', "#{demo_profile('default')}aws_session_token = t\n")
    found = finding(examine({ 'AWS_ENDPOINT_URL' => local_aws.http }), 'sources', 'credentials')
    expect(found.what).to end_with('expires at a time that is not known')
  end
end
