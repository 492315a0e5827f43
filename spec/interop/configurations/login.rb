# frozen_string_literal: true

require 'digest'
require 'openssl'

# `aws login`, with the session that it leaves behind. boto3 needs a library of C for it that is not installed beside it.

arn = 'arn:aws:iam::123456789012:user/anna'
left = begin
  text = { accessToken:  { accessKeyId: '{temporary.id}', secretAccessKey: '{temporary.secret}', sessionToken: '{temporary.token}',
                           accountId: '123456789012', expiresAt: '2199-01-01T00:00:00Z' },
           tokenType:    'urn:aws:params:oauth:token-type:access_token_sigv4',
           refreshToken: 'refresh', idToken: 'identity', clientId: 'arn:aws:signin:::devtools/same-device',
           dpopKey:      OpenSSL::PKey::EC.generate('prime256v1').to_pem }
  { ".aws/login/cache/#{Digest::SHA256.hexdigest(arn)}.json" => JSON.generate(text) }
end

Configuration.write 'a login_session',
                    others: { boto3: nil, ruby_old: nil },
                    because: 'aws-sdk-core 3.168 does not know it, and boto3 not without awscrt.',
                    against: :local, who: 'assumed-role/builder/temporary', profile: 'console', config: "[profile console]\nlogin_session = #{arn}\n",
                    files: left

Configuration.write 'a login_session, and keys in the credentials file',
                    against: :local, who: 'user/anna', profile: 'console', config: "[profile console]\nlogin_session = #{arn}\n",
                    credentials: "[console]\n{anna}\n", files: left

Configuration.write 'a login_session without a login',
                    against: :local, who: nil, profile: 'console', config: "[profile console]\nlogin_session = #{arn}\n"
