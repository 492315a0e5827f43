# frozen_string_literal: true

# How the files may be written.

Configuration.write 'a profile whose name is quoted, with a space',
                    others: { ruby: nil },
                    because: 'The Ruby SDKs take the quotes for a part of the name.',
                    who: 'user/anna', profile: 'my own', config: "[profile \"my own\"]\n{anna}\n"

Configuration.write 'a profile whose name is of letters beyond ASCII',
                    who: 'user/anna', profile: 'größe', config: "[profile größe]\n{anna}\n"

Configuration.write 'a profile of the config file without the word profile',
                    others: { ruby: 'user/anna' },
                    because: 'The Ruby SDKs take every section for a profile.',
                    who: nil, profile: 'bare', config: "[bare]\n{anna}\n"

Configuration.write 'a profile of the credentials file with the word profile',
                    others: { ruby: 'user/anna' },
                    because: 'The Ruby SDKs read the credentials file as they read the config file.',
                    who: nil, profile: 'dressed', credentials: "[profile dressed]\n{anna}\n"

Configuration.write '[default] and after it [profile default]',
                    who: 'user/platform/build/carol', config: "[default]\n{anna}\n[profile default]\n{carol}\n"

Configuration.write '[profile default] and after it [default]',
                    who: 'user/platform/build/carol', config: "[profile default]\n{anna}\n[default]\n{carol}\n"

Configuration.write 'keys in capitals',
                    others: { ruby: nil },
                    because: 'The Ruby SDKs know the names of keys in lower case only.',
                    who: 'user/anna', credentials: "[default]\nAWS_ACCESS_KEY_ID = {anna.id}\nAws_Secret_Access_Key = {anna.secret}\n"

Configuration.write 'colons in place of equals signs',
                    others: { ruby: nil },
                    because: 'The Ruby SDKs know equals signs only.',
                    who: 'user/anna', credentials: "[default]\naws_access_key_id: {anna.id}\naws_secret_access_key: {anna.secret}\n"

Configuration.write 'no space, and too much of it',
                    who: 'user/anna', credentials: "\n\n[default]\n\naws_access_key_id={anna.id}   \naws_secret_access_key   =   {anna.secret}\t\n\n"

Configuration.write 'all keys indented alike',
                    others: { ruby: nil },
                    because: 'The Ruby SDKs take an indented line for a nested setting.',
                    who: 'user/anna', credentials: "[default]\n  aws_access_key_id = {anna.id}\n  aws_secret_access_key = {anna.secret}\n"

Configuration.write 'the second key indented deeper',
                    who: nil, credentials: "[default]\naws_access_key_id = {anna.id}\n  aws_secret_access_key = {anna.secret}\n"

Configuration.write 'comments on lines of their own',
                    who: 'user/anna', credentials: "# first\n; second\n[default]\n# aws_access_key_id = AKIAOLD\n{anna}\n; last\n"

Configuration.write 'indented comments between the keys',
                    who: 'user/anna', config: "[profile x]\n  # of x\n[default]\nregion = us-east-1\n   # here too\n{anna}\n"

Configuration.write 'a comment behind a value',
                    others: { boto3: nil, ruby: nil },
                    because: 'They take the comment for a part of the value; we cut it, as the common rules of the AWS SDKs say.',
                    who: 'user/anna', credentials: "[default]\naws_access_key_id = {anna.id} # of anna\naws_secret_access_key = {anna.secret} ; his\n"

Configuration.write 'a comment behind a section',
                    who: 'user/anna', credentials: "[default] # the usual one\n{anna}\n"

Configuration.write 'white space inside the brackets',
                    others: { boto3: nil, ruby: nil },
                    because: 'They take the space for a part of the name; we trim it, as the common rules of the AWS SDKs say.',
                    who: 'user/anna', profile: 'wide', config: "[ profile wide ]\n{anna}\n"

Configuration.write 'line ends of Windows',
                    who: 'user/anna', credentials: "[default]\r\naws_access_key_id = {anna.id}\r\naws_secret_access_key = {anna.secret}\r\n"

Configuration.write 'no line end at the end',
                    who: 'user/anna', credentials: "[default]\naws_access_key_id = {anna.id}\naws_secret_access_key = {anna.secret}"

Configuration.write 'a section that appears twice',
                    others: { ruby: 'user/anna' },
                    because: 'The Ruby SDKs merge the two.',
                    who: nil, credentials: "[default]\n{anna}\n[other]\n{carol}\n[default]\nregion = us-east-1\n"

Configuration.write 'a key that appears twice',
                    who: nil, credentials: "[default]\n{carol}\naws_access_key_id = {anna.id}\n"

Configuration.write 'a line that is none',
                    others: { ruby: 'user/anna' },
                    because: 'The Ruby SDKs pass over what they cannot read.',
                    who: nil, credentials: "[default]\n{anna}\nwhatever\n"

Configuration.write 'a line before the first section',
                    others: { ruby: 'user/anna' },
                    because: 'The Ruby SDKs pass over what they cannot read.',
                    who: nil, config: "region = us-east-1\n[default]\n{anna}\n"

Configuration.write 'a section that is not closed',
                    who: nil, credentials: "[default\n{anna}\n"

Configuration.write 'a byte order mark',
                    who: nil, credentials: "\u{feff}[default]\n{anna}\n"

Configuration.write 'nested settings of a service between the keys',
                    who: 'user/anna', config: <<~INI
                      [default]
                      aws_access_key_id = {anna.id}
                      s3 =
                        max_concurrent_requests = 20
                      aws_secret_access_key = {anna.secret}
                    INI

Configuration.write '[DEFAULT] in capitals, which every section inherits',
                    others: { ruby: nil },
                    because: "It is a feature of Python's configparser, and so of the AWS CLI.",
                    who: 'user/anna', profile: 'heir', config: "[DEFAULT]\n{anna}\n[profile heir]\nregion = us-east-1\n"

Configuration.write 'the key pair empty in the credentials file, good in the config file',
                    others: { ruby: 'user/anna' },
                    because: 'The Ruby SDKs go on to the next file.',
                    who: nil, config: "[default]\n{anna}\n", credentials: "[default]\naws_access_key_id =\naws_secret_access_key =\n"
