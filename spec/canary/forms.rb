# frozen_string_literal: true

require 'uri'

# The forms in which a text may appear inside of another one.
module Forms
  # Of a shorter one the encoded forms are too short to be told from other text.
  SHORTEST = 16

  # @param secret [String]
  # @return [Array<String>] itself, percent-encoded, in hexadecimal digits, as JSON may have it, and as a part of what is encoded in base64
  def self.of(secret)
    plain = [secret, URI.encode_www_form_component(secret), secret.gsub('/', '\/')].uniq
    secret.size < SHORTEST ? plain : plain + base64(secret) + [secret.unpack1('H*')]
  end

  # Base64 takes three bytes at a time, so what it makes of a part depends on how many bytes stand before it. The digits at both ends, which
  # depend on the bytes around it, are cut off.
  def self.base64(secret)
    digits = (0..2).map { |before| [('-' * before) + secret].pack('m0')[[0, 2, 3][before]..-5] }
    digits + digits.map { |text| text.tr('+/', '-_') }
  end
  private_class_method :base64
end
